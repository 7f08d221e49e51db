/* Threads, NUMA nodes, repacking and the map, from what the machine says of its cores and nodes and what the verdict holds on the host.
 *
 * Decoding waits for memory, which a core's second thread shares with the first, so a core gets one thread; llama.cpp's threads wait for
 * each other at every node of the graph, so slow cores hold up fast ones. By itself llama.cpp v0.5.0 counts all cores of the machine
 * (common/common.cpp common_cpu_get_num_physical_cores), also those that a cpuset or quota keeps from it. A run is pinned only to nodes
 * that are a whole socket: part of one has part of the socket's channels. Left out: distances; huge pages. */
#include "judge/cpu_placement.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "judge/price.h"
#include "machine/facts.h"
#include "model/digest.h"

/* How many CPUs this process may use, and whether that is fewer than there are; 0: not known. */
static double allowed_of(const struct machine *m, bool *limited)
{
    double allowed = 0, online = 0;
    *limited = false;
    if (!known(machine_cpu(m)->threads, &allowed) || !(allowed > 0)) return 0;
    if (m->facts && known(m->facts->cpu.threads, &online)) *limited = allowed < online;
    return most(floor(allowed), 1);
}

/* The kind of core that comes first is the fastest (machine/probe_topology.c). */
static double fast_cores(const struct cpu_facts *cpu)
{
    double cores = 0;
    if (cpu->clusters < 2 || !known(cpu->cluster[0].cores, &cores)) return 0;
    return cores >= 1 ? cores : 0;
}

/* A whole socket: one node, or several. */
struct socket {
    double node[PINNED_MOST];
    size_t nodes;
    double cpus, free_bytes; /* free: NaN, not known of each */
};

/* Cores of a socket, which has its share of the threads that a core has. */
static double socket_cores(const struct cpu_facts *cpu, const struct socket *s)
{
    double cores, threads;
    if (!known(cpu->cores, &cores) || !known(cpu->threads, &threads) || !(cores >= 1) ||
        !(threads >= cores) || !(s->cpus >= 1))
        return 0;
    return most(floor(s->cpus * cores / threads), 1);
}

/* Whether these nodes have no fewer CPUs than a socket. */
static bool is_whole(const struct cpu_facts *cpu, const struct socket *s)
{
    double packages, threads;
    return known(cpu->packages, &packages) && known(cpu->threads, &threads) && packages >= 1 &&
           s->cpus >= 1 && s->cpus * packages >= threads;
}

static void add_node(struct socket *s, const struct numa_node *n)
{
    if (s->nodes == PINNED_MOST) {
        s->cpus = 0; /* no such machine */
        return;
    }
    s->node[s->nodes++] = n->id;
    s->cpus += known_or(n->cpus, 0);
    s->free_bytes += known_or(n->free_bytes, (double)NAN);
}

/* Nodes that have CPUs. */
static size_t working_nodes(const struct facts *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->numa_nodes; i++) n += known_or(f->numa[i].cpus, 0) >= 1;
    return n;
}

/* The nodes that are on the socket of this one; it alone where that is not known. */
static struct socket socket_of(const struct facts *f, const struct numa_node *n)
{
    struct socket s = {.nodes = 0};
    double package, other;
    const bool told = known(n->package, &package);
    for (size_t i = 0; i < f->numa_nodes; i++) {
        const struct numa_node *x = &f->numa[i];
        if (x == n || (told && known(x->package, &other) && other == package)) add_node(&s, x);
    }
    return s;
}

/* The socket with the most room, of one node each where nodes are sockets, else of several; nodes 0: none is whole, or whose free memory
 * is known. */
static struct socket roomiest(const struct facts *f, bool alone, bool *whole)
{
    struct socket best = {.nodes = 0};
    *whole = false;
    for (size_t i = 0; i < f->numa_nodes; i++) {
        struct socket s = {.nodes = 0};
        if (alone)
            add_node(&s, &f->numa[i]);
        else
            s = socket_of(f, &f->numa[i]);
        if (!is_whole(&f->cpu, &s)) continue;
        *whole = true;
        if (!isnan(s.free_bytes) && (!best.nodes || s.free_bytes > best.free_bytes)) best = s;
    }
    return best;
}

/* What the nodes are, before it is known whether one holds anything; *best is set where a socket may be chosen. */
static enum cpu_nodes nodes_of(const struct machine *m, bool limited,
                               const struct cpu_placement *out, struct socket *best)
{
    const struct facts *f = m->facts;
    bool nodes_are_sockets, whole = true;
    *best = (struct socket){.nodes = 0};
    if (!f || f->numa_nodes < 2 || working_nodes(f) < 2 || !out->whole) return NODES_ONE;
    *best = roomiest(f, true, &nodes_are_sockets);
    if (!nodes_are_sockets) *best = roomiest(f, false, &whole);
    if (limited || (whole && !best->nodes) || isnan(out->needs_bytes) ||
        !known(f->cpu.packages, NULL))
        return NODES_NOT_READ;
    return nodes_are_sockets ? NODES_TOO_SMALL : NODES_PARTS;
}

/* asked: threads, 0 for none. More of them than a socket has CPUs leave nothing to choose; false: everything may go anywhere. */
static bool choose_socket(const struct machine *m, bool limited, double asked,
                          struct cpu_placement *out, struct socket *best)
{
    out->nodes = nodes_of(m, limited, out, best);
    if (out->nodes != NODES_TOO_SMALL && out->nodes != NODES_PARTS) return false;
    if (!best->nodes || best->nodes == working_nodes(m->facts)) return false;
    out->node_free_bytes = best->free_bytes;
    /* the mapped pages come to the socket too, if not for long */
    if (best->free_bytes < out->needs_bytes + out->repacked_bytes ||
        !(socket_cores(&m->facts->cpu, best) >= 1))
        return false;
    if (asked > best->cpus) {
        out->nodes = NODES_ONE;
        return false;
    }
    out->nodes = out->nodes == NODES_TOO_SMALL ? NODES_PINNED : NODES_SOCKET;
    for (size_t i = 0; i < best->nodes; i++) out->node[i] = best->node[i];
    out->pinned = best->nodes;
    return true;
}

/* socket NULL: not pinned. */
static void choose_threads(const struct machine *m, const struct socket *socket, double allowed,
                           struct cpu_placement *out)
{
    const struct cpu_facts *cpu = m->facts ? &m->facts->cpu : NULL;
    double cores = 0;
    if (!cpu || !known(cpu->cores, &cores) || !(cores >= 1) || !(allowed > 0)) return;
    const double fast = fast_cores(cpu);
    out->usual_threads = cpu->clusters > 1 ? 0 : cores;
    if (socket) {
        out->threads = socket_cores(cpu, socket);
        out->by = THREADS_NODE;
    } else {
        out->threads = fast > 0 ? fast : cores;
        out->by = fast > 0 ? THREADS_FAST_CORES : THREADS_CORES;
    }
    if (allowed < out->threads) {
        out->threads = allowed;
        out->by = THREADS_BUDGET;
    }
    const double all = least(cores, allowed);
    if (out->whole && fast > 0 && all > out->threads) out->batch_threads = all;
}

/* Whether the CPU's kernels were measured, not taken from what is typical. */
static bool kernels_measured(const struct machine *m)
{
    for (size_t i = 0; i < m->rates; i++) {
        const struct rate *r = &m->rate[i];
        if (r->work == WORK_MATMUL_FLOP && m->place[r->place].kind == PLACE_CPU &&
            r->per_s.origin == MEASURED)
            return true;
    }
    return false;
}

static double seconds_at(const struct machine *m, enum machine_work work, double bytes)
{
    const struct rate *r = machine_rate(m, work, RATE_ALL_THREADS);
    if (!r || r->per_s.origin != MEASURED || !(r->per_s.high > 0)) return (double)NAN;
    return bytes / r->per_s.high;
}

/* What loading copies, and what stays beside it. */
static void add_loading(const struct task *t, const struct machine *m, const struct verdict *v,
                        struct cpu_placement *out)
{
    const double passes = 2; /* a copy's rate counts what it reads and what it writes */
    for (size_t i = 0; i < v->bill.lines; i++) {
        const struct line *l = &v->bill.line[i];
        if (l->phase == HELD && l->site == ON_HOST && l->held_as == HELD_MAPPED)
            out->repacked_bytes += l->amount;
    }
    const double usable_bytes = v->site[ON_HOST].usable_bytes;
    out->tight = out->repacked_bytes > 0 && !isnan(usable_bytes) &&
                 out->needs_bytes + out->repacked_bytes > usable_bytes;
    if (out->repacked_bytes > 0)
        out->repack_least_s = seconds_at(m, WORK_COPY_BYTES, passes * out->repacked_bytes);
    out->file_read_least_s = seconds_at(m, WORK_DISK_READ_BYTES, t->model->weight_bytes);
}

void judge_cpu_placement(const struct task *t, const struct machine *m, const struct verdict *v,
                         struct cpu_placement *out)
{
    const struct generate *g = t->knobs;
    bool limited;
    *out = (struct cpu_placement){.whole = v->split.sites == 1,
                                  .node_free_bytes = (double)NAN,
                                  .needs_bytes = (double)NAN,
                                  .repack_least_s = (double)NAN,
                                  .file_read_least_s = (double)NAN};
    const double allowed = allowed_of(m, &limited);
    if (!v->bill.unruled) {
        out->needs_bytes = site_needs_most(&v->site[ON_HOST]);
        add_loading(t, m, v, out);
    }
    struct socket socket;
    const bool pinned = choose_socket(m, limited, g->threads, out, &socket);
    choose_threads(m, pinned ? &socket : NULL, allowed, out);
    if (g->threads > 0) {
        out->threads = g->threads;
        out->batch_threads = 0;
        out->by = THREADS_ASKED;
    }
    const double rated = price_threads(m, g->threads);
    if (out->threads > 0 && estimate_known(v->decode_per_s) && kernels_measured(m) &&
        rated != out->threads)
        out->rated_threads = rated;
}

/* Whether a path is below a mount point other than the root, of which disks that nobody looked at may be a part. */
static bool is_below(const char *path, const char *mount)
{
    const size_t n = mount ? strlen(mount) : 0;
    return n > 1 && strncmp(path, mount, n) == 0 && path[n] == '/';
}

static const struct disk_facts *disk_of(const struct facts *f, const char *file)
{
    const struct disk_facts *best = NULL;
    for (size_t i = 0; i < f->disks; i++) {
        const struct disk_facts *d = &f->disk[i];
        if (!strchr(file, '/') && d->purpose && strcmp(d->purpose, "this folder") == 0) return d;
        if (is_below(file, d->mount) && (!best || strlen(d->mount) > strlen(best->mount))) best = d;
    }
    return best;
}

const struct disk_facts *judge_slow_disk(const struct machine *m, const char *file)
{
    static const char *const slow[] = {"network", "hdd"};
    const struct disk_facts *d = file && m->here && m->facts ? disk_of(m->facts, file) : NULL;
    for (size_t i = 0; d && d->kind && i < COUNT_OF(slow); i++)
        if (strcmp(d->kind, slow[i]) == 0) return d;
    return NULL;
}
