/* The system, virtual machines, containers, disks, GPUs and Ollama, on the captured trees, on small trees of one file, and live. */
#include "tree.h"

#include <sys/statvfs.h>

#include "machine/mounts.h"

static void expect_text(const char *what, const char *have, const char *want)
{
    if (have && want)
        assert_string_equal(have, want);
    else if (have != want)
        fail_msg("%s: have %s, want %s", what, have ? have : "nothing", want ? want : "nothing");
}

struct tree_system {
    const char *tree, *distribution, *kernel, *architecture, *hostname, *virtual_machine,
        *container, *wsl, *filesystem, *device, *kind;
};

static const struct tree_system systems[] = {
    {"this-kind-of-vm", "Debian GNU/Linux 12 (bookworm)", "6.1.0-18-amd64", "x86_64", "lab-vm",
     "kvm", NULL, NULL, "ext4", "/dev/vda", "virtual"},
    {"raspberry-pi", "Debian GNU/Linux 12 (bookworm)", "6.6.31+rpt-rpi-2712", "aarch64",
     "raspberrypi", NULL, NULL, NULL, "ext4", "/dev/mmcblk0p2", "flash"},
    {"two-sockets", "Rocky Linux 9.4 (Blue Onyx)", "5.14.0-427.el9.x86_64", "x86_64", "node17",
     NULL, NULL, NULL, "xfs", "/dev/sda2", "hdd"},
    {"hybrid-laptop", "Ubuntu 24.04.1 LTS", "6.8.0-45-generic", "x86_64", "laptop", NULL, NULL,
     NULL, "ext4", "/dev/nvme0n1p2", "nvme"},
    {"container", "Debian GNU/Linux 12 (bookworm)", "6.1.0-18-amd64", "x86_64", "4f1d0c7a9e21",
     NULL, "docker", NULL, "overlay", "overlay", NULL},
    {"wsl2", "Ubuntu 22.04.4 LTS", "5.15.153.1-microsoft-standard-WSL2", "x86_64", "DESKTOP-7Q2",
     "hyperv", NULL, "2", "ext4", "/dev/sdc", NULL},
    {"old-kernel", "CentOS Linux 7 (Core)", "3.10.0-1160.el7.x86_64", "x86_64", "oldbox", NULL,
     NULL, NULL, "xfs", "/dev/mapper/centos-root", "ssd"},
};

static void test_captured_systems(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(systems); i++) {
        const struct tree_system *want = &systems[i];
        struct looked *s = looked_tree(want->tree);
        const struct machine *m = looked_machine(s);
        const struct os_facts *os = &m->facts->os;
        print_message("%s\n", want->tree);
        expect_text("platform", os->platform, "Linux");
        expect_text("distribution", os->distribution, want->distribution);
        expect_text("kernel", os->kernel, want->kernel);
        expect_text("architecture", os->architecture, want->architecture);
        expect_text("hostname", os->hostname, want->hostname);
        expect_text("name", m->name, want->hostname);
        expect_text("virtual machine", os->virtual_machine, want->virtual_machine);
        expect_text("container", os->container, want->container);
        expect_text("wsl", os->wsl, want->wsl);
        expect_text("python", os->python_version, NULL);
        assert_int_equal(m->facts->disks, 1);
        const struct disk_facts *d = &m->facts->disk[0];
        expect_text("purpose", d->purpose, "root");
        expect_text("mount", d->mount, "/");
        expect_text("file system", d->filesystem, want->filesystem);
        expect_text("device", d->device, want->device);
        expect_text("kind", d->kind, want->kind);
        assert_false(known(d->free_bytes, NULL));
        assert_non_null(d->free_bytes.source); /* an unknown says why */
        assert_false(m->here);
        looked_close(s);
    }
}

static void test_captured_gpus(void **state)
{
    (void)state;
    struct looked *s = looked_tree("two-sockets");
    const struct facts *f = looked_machine(s)->facts;
    double bytes;
    assert_int_equal(f->gpus, 3);
    expect_text("management chip", f->gpu[0].vendor, "ASPEED");
    expect_text("management chip", f->gpu[0].sized, "display only");
    assert_false(known(f->gpu[0].memory_bytes, NULL));
    for (size_t i = 1; i < 3; i++) {
        expect_text("id", f->gpu[i].pci_id, "10de:20b5");
        expect_text("vendor", f->gpu[i].vendor, "NVIDIA");
        expect_text("driver", f->gpu[i].driver, "nvidia");
        expect_text("sized", f->gpu[i].sized, "seen, not sized yet");
        assert_true(known(f->gpu[i].memory_bytes, &bytes));
        assert_int_equal(f->gpu[i].memory_bytes.origin, LISTED);
        assert_exactly((bytes / 0x1p30), 80);
        assert_non_null(f->gpu[i].name);
    }
    expect_text("address", f->gpu[2].pci_address, "0000:b3:00.0");
    looked_close(s);

    s = looked_tree("hybrid-laptop");
    f = looked_machine(s)->facts;
    assert_int_equal(f->gpus, 2);
    expect_text("vendor", f->gpu[0].vendor, "Intel");
    expect_text("vendor", f->gpu[1].vendor, "AMD");
    assert_true(str_has(str_of(f->gpu[1].name), S(" or "))); /* three cards share this id */
    assert_false(known(f->gpu[1].memory_bytes, NULL));
    looked_close(s);

    s = looked_tree("this-kind-of-vm");
    f = looked_machine(s)->facts;
    assert_int_equal(f->gpus, 1); /* the disk on the same bus is none */
    expect_text("emulated", f->gpu[0].sized, "display only");
    looked_close(s);
}

static void test_captured_ollama(void **state)
{
    (void)state;
    static const char *const want[] = {"hf.co/org/Model-GGUF:Q4_K_M", "phi3:14b", "phi3:mini",
                                       "somebody/tuned:latest"};
    struct looked *s = looked_tree("container");
    const struct ollama_facts *o = &looked_machine(s)->facts->ollama;
    assert_true(o->installed);
    expect_text("path", o->path, "/usr/bin/ollama");
    expect_text("store", o->store, "/root/.ollama/models");
    assert_int_equal(o->model_count, COUNT_OF(want));
    for (size_t i = 0; i < COUNT_OF(want); i++) assert_string_equal(o->models[i], want[i]);
    looked_close(s);
    s = looked_tree("raspberry-pi");
    o = &looked_machine(s)->facts->ollama;
    assert_false(o->installed);
    assert_int_equal(o->model_count, 0);
    expect_text("store", o->store, NULL);
    looked_close(s);
}

/* ---- trees of one or two files ---- */

static void small_made(struct tree *t)
{
    tree_make(t);
    tree_file(t, "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu lm\n");
}

struct evidence {
    const char *path, *text, *also, *also_text;
    const char *virtual_machine, *container, *wsl;
};

static const struct evidence evidences[] = {
    {"/run/.containerenv", "", NULL, NULL, NULL, "podman", NULL},
    {"/proc/1/cgroup", "0::/lxc.payload.web\n", NULL, NULL, NULL, "lxc", NULL},
    {"/proc/1/cgroup", "4:memory:/kubepods/burstable/pod1\n", "/.dockerenv", "", NULL, "kubernetes",
     NULL},
    {"/var/run/secrets/kubernetes.io/serviceaccount/token", "x", NULL, NULL, NULL, "kubernetes",
     NULL},
    {"/.dockerenv", "", NULL, NULL, NULL, "docker", NULL},
    {"/.dockerenv", "", "/proc/self/mountinfo", "27 1 254:0 / / rw - ext4 /dev/vda rw\n", NULL,
     NULL, NULL},
    {"/.dockerenv", "", "/proc/self/mountinfo",
     "27 1 0:5 /docker/btrfs/subvolumes/a / rw - btrfs /dev/sda rw\n", NULL, "docker", NULL},
    {"/proc/sys/kernel/osrelease", "4.4.0-19041-Microsoft\n", NULL, NULL, NULL, NULL, "1"},
    {"/sys/class/dmi/id/sys_vendor", "VMware, Inc.\n", NULL, NULL, "vmware", NULL, NULL},
    {"/sys/class/dmi/id/product_name", "Virtual Machine\n", NULL, NULL, "hyperv", NULL, NULL},
    {"/sys/class/dmi/id/sys_vendor", "Amazon EC2\n", NULL, NULL, NULL, NULL, NULL}, /* bare metal */
    {"/sys/class/dmi/id/sys_vendor", "Amazon EC2\n", "/proc/cpuinfo", "flags : lm hypervisor\n",
     "kvm", NULL, NULL},
    {"/proc/cpuinfo", "flags : lm hypervisor\n", NULL, NULL, "unknown kind", NULL, NULL},
    {"/sys/hypervisor/type", "xen\n", NULL, NULL, "xen", NULL, NULL},
    {"/sys/hypervisor/type", "xen\n", "/proc/xen/capabilities", "control_d\n", NULL, NULL, NULL},
    {"/sys/firmware/acpi/tables/DSDT",
     "DSDT----\x02\x01"
     "FIRECKFCVMDSDT",
     "/proc/cpuinfo", "flags : lm hypervisor\n", "firecracker", NULL, NULL},
    {"/proc/device-tree/hypervisor/compatible", "linux,kvm", NULL, NULL, "kvm", NULL, NULL},
};

static void test_evidence(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(evidences); i++) {
        const struct evidence *e = &evidences[i];
        struct tree t;
        small_made(&t);
        tree_file(&t, e->path, e->text);
        if (e->also) tree_file(&t, e->also, e->also_text);
        struct looked *s = looked_open(t.path);
        const struct os_facts *os = &looked_machine(s)->facts->os;
        print_message("%s %s\n", e->path, e->also ? e->also : "");
        expect_text("virtual machine", os->virtual_machine, e->virtual_machine);
        expect_text("container", os->container, e->container);
        expect_text("wsl", os->wsl, e->wsl);
        looked_close(s);
        tree_remove(&t);
    }
}

static void test_architecture_from_cpuinfo(void **state)
{
    (void)state;
    static const char *const row[][2] = {
        {"flags\t: fpu vme lm\n", "x86_64"},
        {"flags\t: fpu vme\n", "i686"},
        {"Features\t: half thumb vfp edsp neon\nCPU architecture: 7\n", "armv7l"},
        {"isa\t\t: rv64imafdc\n", "riscv64"},
        {"vendor_id       : IBM/S390\n", "s390x"},
        {"cpu\t\t: POWER9\nrevision\t: 2.3 (pvr 004e 1203)\n", "ppc64le"},
        {"processor\t: 0\n", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct tree t;
        small_made(&t);
        tree_file(&t, "/proc/cpuinfo", row[i][0]);
        struct looked *s = looked_open(t.path);
        expect_text(row[i][0], looked_machine(s)->facts->os.architecture, row[i][1]);
        looked_close(s);
        tree_remove(&t);
    }
}

static void test_mounts(void **state)
{
    (void)state;
    const struct str text = S("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
                              "2 1 8:17 / /data rw shared:1 master:2 - xfs /dev/sdb1 rw\n"
                              "3 2 0:40 / /data/a\\040b rw - nfs4 host:/x rw\n"
                              "not a mount at all\n"
                              "4 1 x:y / /data/bad rw - ext4 /dev/sdc rw\n"
                              "5 1 0:9 / /data rw - tmpfs tmpfs rw\n");
    struct arena *a = arena_new(1 << 20);
    struct mount m;
    assert_true(mount_of(text, S("/database"), a, &m));
    assert_string_equal(m.at, "/");
    assert_true(mount_of(text, S("/data/x"), a, &m));
    assert_string_equal(m.filesystem, "tmpfs"); /* the later mount lies on the earlier */
    assert_true(mount_of(text, S("/data/a b/c"), a, &m));
    assert_string_equal(m.filesystem, "nfs4");
    assert_int_equal(m.minor, 40);
    assert_true(mount_of(text, S("/data/bad"), a, &m));
    assert_string_equal(m.at, "/data");
    assert_false(mount_of(S(""), S("/"), a, &m));
    for (size_t n = 0; n < text.n; n++) {
        const bool found = mount_of((struct str){text.p, n}, S("/data/a b"), a, &m);
        assert_true(!found || m.at[0] == '/');
    }
    arena_free(a);
}

/* ---- this very machine ---- */

static const char *live_env(const char *name)
{
    if (strcmp(name, "OLLAMA_MODELS") == 0) return "/nowhere/at/all";
    if (strcmp(name, "HF_HUB_CACHE") == 0) return "/proc";
    return getenv(name);
}

static void test_live(void **state)
{
    (void)state;
    struct looked *s = looked_open(NULL);
    struct statvfs v;
    double bytes;
    s->looking.env = live_env;
    s->looking.folder = "/";
    const struct machine *m = looked_machine(s);
    const struct facts *f = m->facts;
    assert_true(m->here);
    assert_int_equal(f->disks, 4);
    assert_string_equal(f->disk[0].purpose, "root");
    assert_string_equal(f->disk[1].purpose, "this folder");
    assert_string_equal(f->disk[2].purpose, "HF cache");
    assert_string_equal(f->disk[3].purpose, "Ollama models");
    assert_string_equal(f->disk[3].path, "/nowhere/at/all");
    assert_exactly(f->disk[1].same_as, 0);
    assert_exactly(f->disk[2].same_as, 2); /* /proc is no disk of ours */
    assert_exactly(f->disk[3].same_as, 0); /* not there yet: the folder above it counts */
    assert_int_equal(statvfs("/", &v), 0);
    assert_true(known(f->disk[0].free_bytes, &bytes));
    const double want = (double)v.f_bavail * (double)v.f_frsize;
    assert_close(bytes, want, 0x1p30);
    assert_non_null(f->os.kernel);
    assert_non_null(f->os.architecture);
    looked_close(s);
}

static const char *python_env(const char *name)
{
    return strcmp(name, "PATH") == 0 ? "/nowhere:/usr/bin" : NULL;
}

static const char *no_env(const char *name)
{
    (void)name;
    return NULL;
}

static void test_live_python(void **state)
{
    (void)state;
    struct looked *s = looked_open(NULL);
    s->looking.env = python_env;
    const char *version = looked_machine(s)->facts->os.python_version;
    assert_non_null(version); /* the build itself needs /usr/bin/python3 */
    if (strncmp(version, "3.", 2) != 0) fail_msg("sys.version is '%s'", version);
    looked_close(s);
    s = looked_open(NULL);
    s->looking.env = no_env;
    expect_text("python", looked_machine(s)->facts->os.python_version, NULL);
    looked_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_captured_systems),
        cmocka_unit_test(test_captured_gpus),
        cmocka_unit_test(test_captured_ollama),
        cmocka_unit_test(test_evidence),
        cmocka_unit_test(test_architecture_from_cpuinfo),
        cmocka_unit_test(test_mounts),
        cmocka_unit_test(test_live),
        cmocka_unit_test(test_live_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
