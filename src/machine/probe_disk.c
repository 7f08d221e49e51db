/* Where files and models go: the disk of /, of the current folder and of the model caches, its kind, and what is free on it.
 *
 * Mounts come from /proc/self/mountinfo, the kind from the file system or the block device under it (/sys/dev/block, through dm and md
 * down to the disks). Free is what this user may still write, as statvfs counts it (f_bavail). Paths through symbolic links are
 * resolved first; of a cache not made yet the nearest folder above it is looked at. A captured tree knows mounts and kinds, not free
 * space, and nothing of this user. Left out: the disk under an overlay (its folders are outside the container), quotas, zfs pools.
 * Sources: proc_pid_mountinfo(5), Documentation/ABI/stable/sysfs-block of Linux. */
#include "base/arena.h"
#include "base/notes.h"
#include "base/root.h"
#include "machine/mounts.h"
#include "machine/probe.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

enum { DEPTH_MOST = 8, DISKS_MOST = 4 };

struct looked {
    const struct looking *in;
    struct draft *out;
    struct str mountinfo;
    struct mount mount[DISKS_MOST]; /* of each disk added */
};

static const struct {
    const char *filesystem, *kind;
} filesystem_kinds[] = {
    {"nfs", "network"},         {"nfs4", "network"},
    {"cifs", "network"},        {"smb3", "network"},
    {"smbfs", "network"},       {"9p", "network"},
    {"virtiofs", "network"},    {"ceph", "network"},
    {"fuse.sshfs", "network"},  {"fuse.glusterfs", "network"},
    {"lustre", "network"},      {"beegfs", "network"},
    {"gpfs", "network"},        {"afs", "network"},
    {"drvfs", "network"},       {"fuse.s3fs", "network"},
    {"fuse.rclone", "network"}, {"tmpfs", "memory"},
    {"ramfs", "memory"},        {"rootfs", "memory"},
    {"devtmpfs", "memory"},
};

static const char *kind_of_filesystem(const char *filesystem)
{
    for (size_t i = 0; i < COUNT_OF(filesystem_kinds); i++)
        if (strcmp(filesystem_kinds[i].filesystem, filesystem) == 0)
            return filesystem_kinds[i].kind;
    return NULL;
}

/* Disks named by what drives them. Source: Documentation/admin-guide/devices.txt of Linux. */
static const struct {
    const char *begins, *kind;
} name_kinds[] = {{"nvme", "nvme"},    {"vd", "virtual"},  {"xvd", "virtual"},
                  {"mmcblk", "flash"}, {"nbd", "network"}, {"rbd", "network"},
                  {"zram", "memory"},  {"ram", "memory"},  {"pmem", "memory"}};

/* Makers whose disks a hypervisor plays. */
static const char *const virtual_makers[] = {"QEMU", "VMware", "VBOX", "Msft", "Google", "XENSRC"};

/* The name of the whole disk of a block device: ".../block/sda/sda1" is sda. */
static const char *disk_name(const struct looking *in, const char *device)
{
    struct str link;
    if (!root_link(in->root, str_format(in->arena, "/sys/class/block/%s", device), in->arena,
                   &link))
        return device;
    const char *at = strstr(link.p, "/block/");
    if (!at) return device;
    struct str rest = str_of(at + strlen("/block/"));
    return str_copy(in->arena, str_cut(&rest, '/'));
}

/* The kind of one disk that stands on no other. */
static const char *kind_of_disk(const struct looking *in, const char *disk)
{
    uint64_t rotational;
    struct str maker;
    for (size_t i = 0; i < COUNT_OF(name_kinds); i++)
        if (str_starts(str_of(disk), str_of(name_kinds[i].begins))) return name_kinds[i].kind;
    if (root_wordf(in->root, in->arena, &maker, "/sys/class/block/%s/device/vendor", disk))
        for (size_t i = 0; i < COUNT_OF(virtual_makers); i++)
            if (str_starts(maker, str_of(virtual_makers[i]))) return "virtual";
    if (!root_u64f(in->root, &rotational, "/sys/class/block/%s/queue/rotational", disk))
        return NULL;
    return rotational ? "hdd" : "ssd";
}

/* Down through dm and md: of several disks the first. Loop devices stand on files and stay unknown. */
static const char *kind_of_device(const struct looking *in, const char *device)
{
    for (int depth = 0; depth < DEPTH_MOST; depth++) {
        const char *const *slave;
        size_t slaves = 0;
        const char *disk = disk_name(in, device);
        if (str_starts(str_of(disk), S("loop"))) return NULL;
        const char *folder = str_format(in->arena, "/sys/class/block/%s/slaves", disk);
        if (!root_names(in->root, folder, in->arena, &slave, &slaves) || !slaves)
            return kind_of_disk(in, disk);
        device = slave[0];
    }
    return NULL;
}

static struct str last_part(struct str path)
{
    while (path.n && memchr(path.p, '/', path.n)) (void)str_cut(&path, '/');
    return path;
}

/* The kernel's name of a mount's block device, by its number, else by the name it was mounted under; NULL when it has none. */
static const char *device_name(const struct looking *in, const struct mount *m)
{
    struct str link;
    const char *by_number = str_format(in->arena, "/sys/dev/block/%llu:%llu",
                                       (unsigned long long)m->major, (unsigned long long)m->minor);
    if (root_link(in->root, by_number, in->arena, &link))
        return str_copy(in->arena, last_part(link));
    if (!str_starts(str_of(m->source), S("/dev/"))) return NULL;
    if (root_link(in->root, m->source, in->arena, &link))
        return str_copy(in->arena, last_part(link));
    return str_copy(in->arena, last_part(str_of(m->source)));
}

static void free_space(const struct looking *in, const char *path, struct disk_facts *d)
{
    struct statvfs s;
    if (in->root->captured) {
        d->free_bytes = d->total_bytes =
            unknown("a captured tree does not say how full its disks are");
        return;
    }
    if (statvfs(path, &s) != 0) {
        d->free_bytes = d->total_bytes = unknown("the system does not say how full it is");
        return;
    }
    const double block = (double)s.f_frsize;
    d->free_bytes = quantity_of((double)s.f_bavail * block, REPORTED, "statvfs");
    d->total_bytes = quantity_of((double)s.f_blocks * block, REPORTED, "statvfs");
}

/* The path itself with links resolved, or of a path that does not exist the nearest folder above it that does. */
static const char *standing(const struct looking *in, const char *path)
{
    if (in->root->captured) return path;
    struct str at = str_of(path);
    char real[PATH_MAX];
    while (!realpath(str_copy(in->arena, at), real)) {
        while (at.n && at.p[at.n - 1] != '/') at.n--;
        while (at.n && at.p[at.n - 1] == '/') at.n--;
        if (!at.n) return "/";
    }
    return str_copy(in->arena, str_of(real));
}

static double same_as(const struct looked *l, const struct mount *m, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (l->mount[i].at && l->mount[i].major == m->major && l->mount[i].minor == m->minor)
            return (double)i;
    return (double)index;
}

/* In a chroot / is no mount that the kernel lists: the file's own device number still tells disks apart. */
static bool unlisted(const struct looking *in, const char *path, struct mount *m)
{
    struct stat st;
    if (in->root->captured || stat(path, &st) != 0) return false;
    *m = (struct mount){.at = "/", .major = major(st.st_dev), .minor = minor(st.st_dev)};
    return true;
}

static void add(struct looked *l, const char *purpose, const char *path)
{
    const size_t index = l->out->facts.disks;
    struct mount m = {.at = NULL};
    if (index >= DISKS_MOST) return;
    const char *real = standing(l->in, path);
    struct disk_facts d = {.purpose = purpose, .path = path, .mount = "/"};
    free_space(l->in, real, &d);
    d.same_as = (double)index;
    if (mount_of(l->mountinfo, str_of(real), l->in->arena, &m)) {
        const char *device = device_name(l->in, &m);
        const char *kind = kind_of_filesystem(m.filesystem);
        d.mount = m.at;
        d.filesystem = m.filesystem;
        d.device = m.source;
        d.kind = kind || !device ? kind : kind_of_device(l->in, device);
        d.same_as = same_as(l, &m, index);
    } else if (unlisted(l->in, real, &m)) {
        d.same_as = same_as(l, &m, index);
    }
    l->mount[index] = m;
    draft_add_disk(l->out, d);
}

/* Where the hub's downloads go, in its own order of preference; NULL when nothing says. */
static const char *hub_cache(const struct looking *in)
{
    const char *hub = in->env("HF_HUB_CACHE");
    const char *home = in->env("HF_HOME");
    const char *cache = in->env("XDG_CACHE_HOME");
    const char *user = in->env("HOME");
    if (hub && hub[0] == '/') return str_copy(in->arena, str_of(hub));
    if (home && home[0] == '/') return str_copy(in->arena, str_of(home));
    if (cache && cache[0] == '/') return str_format(in->arena, "%s/huggingface", cache);
    if (user && user[0] == '/') return str_format(in->arena, "%s/.cache/huggingface", user);
    return NULL;
}

static void finds(const struct looking *in, struct draft *out)
{
    struct looked *l = NEW(in->arena, struct looked);
    l->in = in;
    l->out = out;
    /* of this process; a captured tree may hold only the first one's */
    if (!root_text(in->root, "/proc/self/mountinfo", in->arena, &l->mountinfo) &&
        !root_text(in->root, "/proc/1/mountinfo", in->arena, &l->mountinfo))
        l->mountinfo = (struct str){NULL, 0};
    add(l, "root", "/");
    if (in->root->captured || !l->mountinfo.n)
        return; /* without mounts disks cannot be told apart */
    if (in->folder) add(l, "this folder", in->folder);
    const char *hub = in->env ? hub_cache(in) : NULL;
    if (hub) add(l, "HF cache", hub);
    if (out->facts.ollama.store) add(l, "Ollama models", out->facts.ollama.store);
}

const struct probe probe_disk = {
    "disk", "free space and kind of /, this folder and the model caches", finds};
