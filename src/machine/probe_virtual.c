/* Whether the machine is virtual, and which monitor runs it; whether we stand in a container, and whose; whether this is WSL.
 *
 * A virtual machine shows itself by the hypervisor flag of /proc/cpuinfo (x86), /sys/hypervisor, the device tree, or firmware texts
 * that only a monitor writes. Vendors that also sell bare metal count only beside that flag. Xen's first domain has the flag and is
 * the machine itself. Containers leave files and cgroup names; /.dockerenv alone is not believed when / is the whole of a disk's file
 * system, since images made into disks keep that file. Sources: Documentation/ABI of Linux, container runtimes' own documents. */
#include "machine/probe_virtual.h"
#include "base/arena.h"
#include "base/root.h"
#include "machine/mounts.h"
#include "machine/proc_text.h"

#include <string.h>

struct sign {
    const char *text, *word;
    bool with_flag; /* counts only beside the hypervisor flag */
};

/* Texts of /sys/class/dmi/id, by their beginning. */
static const struct sign dmi_signs[] = {
    {"VMware", "vmware", false},
    {"VirtualBox", "virtualbox", false},
    {"innotek GmbH", "virtualbox", false},
    {"Xen", "xen", false},
    {"HVM domU", "xen", false},
    {"Virtual Machine", "hyperv", false},
    {"Parallels", "parallels", false},
    {"BHYVE", "bhyve", false},
    {"Apple Virtualization", "apple", false},
    {"KubeVirt", "kvm", false},
    {"Google Compute Engine", "kvm", true},
    {"Amazon EC2", "kvm", true},
    {"OpenStack", "kvm", true},
    {"KVM", "kvm", false},
    {"QEMU", "qemu", false},
    {"Bochs", "qemu", false},
};
/* Clocks that a guest's kernel offers. */
static const struct sign clock_signs[] = {
    {"kvm-clock", "kvm", true}, {"hyperv_clocksource", "hyperv", true}, {"xen", "xen", true}};
/* The maker's six letters in the header of the firmware's own table (ACPI 6.5, 5.2.6); only root may read it. */
static const struct sign acpi_signs[] = {{"FIRECK", "firecracker", true},
                                         {"CLOUDH", "cloud-hypervisor", true},
                                         {"VBOX", "virtualbox", true}};
static const struct sign tree_signs[] = {{"linux,kvm", "kvm", false},
                                         {"xen,xen", "xen", false},
                                         {"vmware", "vmware", false},
                                         {"qemu,pseries", "qemu", false},
                                         {"linux,dummy-virt", "unknown kind", false}};

/* The word of the first sign that the text begins with, or that begins one of its words. */
static const char *sign_in(const struct sign *sign, size_t n, struct str text, bool flag)
{
    for (size_t i = 0; i < n; i++) {
        struct str rest = text;
        if (sign[i].with_flag && !flag) continue;
        if (str_starts(text, str_of(sign[i].text))) return sign[i].word;
        while (rest.n)
            if (str_starts(str_cut(&rest, ' '), str_of(sign[i].text))) return sign[i].word;
    }
    return NULL;
}

static const char *sign_of_file(const struct looking *in, const char *path, const struct sign *sign,
                                size_t n, bool flag)
{
    struct str text;
    return root_word(in->root, path, in->arena, &text) ? sign_in(sign, n, text, flag) : NULL;
}

static bool flag_of(const struct looking *in)
{
    struct str text;
    struct str flags;
    if (!root_text(in->root, "/proc/cpuinfo", in->arena, &text) ||
        !proc_value(text, "flags", &flags))
        return false;
    while (flags.n)
        if (str_is(str_cut(&flags, ' '), "hypervisor")) return true;
    return false;
}

static const char *acpi_maker(const struct looking *in, bool flag)
{
    enum { MAKER_AT = 10, MAKER_BYTES = 6 };
    struct str text;
    if (!root_text(in->root, "/sys/firmware/acpi/tables/DSDT", in->arena, &text) ||
        text.n < MAKER_AT + MAKER_BYTES)
        return NULL;
    return sign_in(acpi_signs, COUNT_OF(acpi_signs), (struct str){text.p + MAKER_AT, MAKER_BYTES},
                   flag);
}

static const char *firmware(const struct looking *in, bool flag)
{
    static const char *const paths[] = {
        "/sys/class/dmi/id/product_name", "/sys/class/dmi/id/sys_vendor",
        "/sys/class/dmi/id/bios_vendor", "/sys/class/dmi/id/board_vendor"};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        const char *word = sign_of_file(in, paths[i], dmi_signs, COUNT_OF(dmi_signs), flag);
        if (word) return word;
    }
    const char *word = sign_of_file(in, "/proc/device-tree/hypervisor/compatible", tree_signs,
                                    COUNT_OF(tree_signs), flag);
    return word ? word
                : sign_of_file(in, "/proc/device-tree/compatible", tree_signs, COUNT_OF(tree_signs),
                               flag);
}

static const char *virtual_machine(const struct looking *in)
{
    static const char clocks[] =
        "/sys/devices/system/clocksource/clocksource0/available_clocksource";
    struct str text;
    if (root_text(in->root, "/proc/xen/capabilities", in->arena, &text) &&
        str_has(text, S("control_d")))
        return NULL;
    if (root_word(in->root, "/sys/hypervisor/type", in->arena, &text) && text.n)
        return str_copy(in->arena, text);
    const bool flag = flag_of(in);
    const char *by_firmware = firmware(in, flag);
    const char *by_clock = sign_of_file(in, clocks, clock_signs, COUNT_OF(clock_signs), flag);
    const char *by_maker = acpi_maker(in, flag);
    if (by_maker) return by_maker;
    /* the emulator's name is on machines that the kernel's own hypervisor runs, too */
    if (by_firmware && !(by_clock && strcmp(by_firmware, "qemu") == 0)) return by_firmware;
    if (by_clock) return by_clock;
    return flag ? "unknown kind" : NULL;
}

static const struct sign cgroup_signs[] = {
    {"kubepods", "kubernetes", false},
    {"libpod", "podman", false},
    {"/docker", "docker", false},
    {"docker-", "docker", false},
    {"/lxc", "lxc", false},
    {"lxc.payload", "lxc", false},
    {"nspawn", "nspawn", false},
    {"containerd", "containerd", false},
};

/* The first process's own word for it: container=lxc. Only root may read another user's environment. */
static const char *container_variable(const struct looking *in)
{
    struct str rest;
    if (!root_text(in->root, "/proc/1/environ", in->arena, &rest)) return NULL;
    while (rest.n) {
        struct str value = str_cut(&rest, '\0');
        if (!str_is(str_cut(&value, '='), "container") || !value.n) continue;
        if (str_is(value, "wsl")) return NULL;
        return str_is(value, "systemd-nspawn") ? "nspawn" : str_copy(in->arena, value);
    }
    return NULL;
}

static const char *cgroup_word(const struct looking *in)
{
    struct str text;
    if (!root_text(in->root, "/proc/1/cgroup", in->arena, &text)) return NULL;
    for (size_t i = 0; i < COUNT_OF(cgroup_signs); i++)
        if (str_has(text, str_of(cgroup_signs[i].text))) return cgroup_signs[i].word;
    return NULL;
}

/* / is all of a file system on a disk, not a layer, a folder or a subvolume of one. */
static bool root_is_a_disk(const struct looking *in)
{
    struct mount m;
    struct str text;
    return root_text(in->root, "/proc/self/mountinfo", in->arena, &text) &&
           mount_of(text, S("/"), in->arena, &m) && strcmp(m.folder, "/") == 0 &&
           str_starts(str_of(m.source), S("/dev/"));
}

static const char *container(const struct looking *in)
{
    if (root_has(in->root, "/var/run/secrets/kubernetes.io/serviceaccount") ||
        root_has(in->root, "/run/secrets/kubernetes.io/serviceaccount"))
        return "kubernetes";
    const char *by_cgroup = cgroup_word(in);
    if (by_cgroup && strcmp(by_cgroup, "kubernetes") == 0) return by_cgroup;
    if (root_has(in->root, "/run/.containerenv")) return "podman";
    if (root_has(in->root, "/.singularity.d")) return "apptainer";
    const char *by_variable = container_variable(in);
    if (by_variable) return by_variable;
    if (by_cgroup) return by_cgroup;
    return root_has(in->root, "/.dockerenv") && !root_is_a_disk(in) ? "docker" : NULL;
}

/* Both kinds name their maker in the kernel's release: "4.4.0-19041-Microsoft", "5.15.90.1-microsoft-standard-WSL2". */
static const char *wsl(const struct os_facts *os)
{
    if (!os->kernel) return NULL;
    const struct str kernel = str_of(os->kernel);
    if (str_has(kernel, S("WSL2")) || str_has(kernel, S("microsoft-standard"))) return "2";
    return str_has(kernel, S("Microsoft")) || str_has(kernel, S("microsoft")) ? "1" : NULL;
}

void probe_virtual(const struct looking *in, struct os_facts *os)
{
    os->virtual_machine = virtual_machine(in);
    os->container = container(in);
    os->wsl = wsl(os);
}
