/* judge/cpu_placement.h - how a run is put on the CPU: how many threads, on which NUMA nodes, what repacking and the file's map cost.
 * Pure, and without allocation. What a pinned run gains is not computed: no rate is known of a single node. */
#pragma once
#include "judge/judge.h"

/* Why so many threads. */
enum threads_by {
    THREADS_NOT_KNOWN,  /* how many cores there are is not known: llama.cpp's own choice stands */
    THREADS_ASKED,      /* --threads */
    THREADS_CORES,      /* one on each core */
    THREADS_FAST_CORES, /* one on each of the fastest kind of core */
    THREADS_BUDGET,     /* as many as this process may use */
    THREADS_NODE        /* one on each core of the node */
};
enum cpu_nodes {
    NODES_ONE,       /* nothing to choose */
    NODES_PINNED,    /* everything on one node that is a whole socket and holds it */
    NODES_TOO_SMALL, /* no socket's node holds it: pages go to all nodes in turn */
    NODES_SOCKET,    /* everything on the nodes of one socket, which hold it together */
    NODES_PARTS, /* nodes are parts of sockets, and no socket holds it: pages go to all in turn */
    NODES_NOT_READ /* which CPUs of which node this process may use, or what nodes hold, is not known */
};
enum { PINNED_MOST = 16 };
struct cpu_placement {
    bool whole; /* nothing lies on devices; else only the threads count */
    enum threads_by by;
    double threads;       /* 0: not known */
    double batch_threads; /* for prompts, where they should differ; else 0 */
    double usual_threads; /* what llama.cpp would take by itself; 0: not known */
    /* Threads that kernels were measured with, where the speeds rest on them and they are not `threads`; else 0. */
    double rated_threads;
    enum cpu_nodes nodes;
    double node[PINNED_MOST]; /* of NODES_PINNED and NODES_SOCKET: the kernel's numbers of them */
    size_t pinned;
    /* of those; of NODES_TOO_SMALL and NODES_PARTS the most of any node or socket; NaN: not known */
    double node_free_bytes;
    double needs_bytes; /* what must lie there, at its high end */
    /* Of the file's map, copied into the CPU's own layout while loading; the pages stay beside the copy until the kernel drops them. 0:
     * none, or no map. */
    double repacked_bytes;
    double repack_least_s;    /* that copy at the measured rate; NaN: no such rate */
    bool tight;               /* with those pages more than may be used */
    double file_read_least_s; /* the weights at the measured rate of the disk; NaN: no such rate */
};
/* For a verdict that was computed; a bill without rules gives the threads alone. */
void judge_cpu_placement(const struct task *t, const struct machine *m, const struct verdict *v,
                         struct cpu_placement *out);
/* The disk that a file of this very machine is on, where it is a hard disk or over the network; NULL: neither, or not known. */
const struct disk_facts *judge_slow_disk(const struct machine *m, const char *file);
