/* How a model is put on the CPU: a row for each thing that this machine leaves to choose, why, and the same as a document. What a machine
 * gives no choice in is not said. Left out: what a pinned run gains, which nothing measured supports. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "cost/runtime.h"
#include "machine/facts.h"
#include "verb/fit.h"

static const char *threads_why(const struct cpu_placement *p)
{
    switch (p->by) {
    case THREADS_CORES: return "one on each core";
    case THREADS_FAST_CORES:
        return "the fast cores: slow ones would hold them up at every node of the graph";
    case THREADS_BUDGET:
        return "all that one process may use here; llama.cpp would count the machine's cores";
    case THREADS_NODE: return "one on each core there";
    default: return NULL;
    }
}

static const char *const nodes_word[] = {"one",    "pinned", "too small",
                                         "socket", "parts",  "not known"};

static const char *pinned_words(const struct cpu_placement *p, struct arena *a)
{
    const char *text = "";
    for (size_t i = 0; i < p->pinned; i++)
        text = str_format(a, "%s%s%.0f", text, i ? ", " : "", p->node[i]);
    return text;
}

/* Of a machine with several nodes; NULL: there is nothing to say. */
static const char *nodes_words(const struct cpu_placement *p, struct arena *a)
{
    switch (p->nodes) {
    case NODES_PINNED:
        return str_format(a,
                          "everything on NUMA node %s: %s are free there for %s, and no weight is "
                          "read from another socket's memory",
                          pinned_words(p, a), units_bytes(a, p->node_free_bytes),
                          units_bytes(a, p->needs_bytes));
    case NODES_TOO_SMALL:
        return str_format(a, "pages on all NUMA nodes in turn: none has %s free, the roomiest %s",
                          units_bytes(a, p->needs_bytes), units_bytes(a, p->node_free_bytes));
    case NODES_SOCKET:
        return str_format(
            a,
            "everything on NUMA nodes %s, pages in turn: they are one socket, where %s are free "
            "for %s, and no weight is read from another socket's memory",
            pinned_words(p, a), units_bytes(a, p->node_free_bytes), units_bytes(a, p->needs_bytes));
    case NODES_PARTS:
        return isnan(p->node_free_bytes)
                   ? "pages on all NUMA nodes in turn: each is only part of a socket"
                   : str_format(a,
                                "pages on all NUMA nodes in turn: each is part of a socket, none "
                                "of which has %s free, the roomiest %s",
                                units_bytes(a, p->needs_bytes), units_bytes(a, p->node_free_bytes));
    case NODES_NOT_READ:
        return "not chosen: which NUMA nodes this process may use, and what is free there, is not "
               "known";
    default: return NULL;
    }
}

static void say_threads(struct doc *d, struct block *b, const struct cpu_placement *p)
{
    const char *why = threads_why(p);
    if (!why || !(p->threads > 0) || p->threads == p->usual_threads) return;
    facts_row(d, b, "threads", "%.0f: %s", p->threads, why);
    if (p->batch_threads > 0)
        facts_row(d, b, "for prompts",
                  "%.0f: every core; products of many tokens are dealt out in "
                  "pieces, so slow cores may help",
                  p->batch_threads);
    if (p->rated_threads > 0)
        facts_row(d, b, "", "the speeds above were measured with %.0f", p->rated_threads);
}

/* What loading takes at least; said where it was measured or where memory is short for it. */
static void say_loading(struct doc *d, struct block *b, const struct cpu_placement *p)
{
    struct arena *a = d->arena;
    const char *bytes = units_bytes(a, p->repacked_bytes);
    if (p->repacked_bytes > 0 && !isnan(p->repack_least_s))
        facts_row(
            d, b, "repacking",
            "%s are copied into the CPU's own layout at each start, %s at least; --repack off says "
            "what leaving it out does to the speed",
            bytes, units_seconds(a, p->repack_least_s));
    if (p->tight)
        facts_row(d, b, "memory",
                  "tight while it loads: %s of the mapped file stay beside their copy until the "
                  "kernel drops them; --no-mmap holds none",
                  bytes);
    if (!isnan(p->file_read_least_s))
        facts_row(d, b, "first start",
                  "%s at least to read the file, from a disk as fast as the measured one",
                  units_seconds(a, p->file_read_least_s));
}

static void say_disk(struct doc *d, struct block *b, const struct fit *f)
{
    const struct disk_facts *disk = judge_slow_disk(f->machine, f->asked.file);
    if (!disk || !f->asked.knobs.mmap) return;
    facts_row(d, b, "disk",
              "%s: pages of the map that the kernel drops are read again from there; --no-mmap "
              "reads the file once, in order",
              strcmp(disk->kind, "hdd") == 0 ? "a hard disk" : "over the network");
}

/* Threads and nodes are llama.cpp's to choose: other programs have other options. */
static bool has_placement(const struct fit *f)
{
    return f->verdict.fits <= FITS_PROBABLY && !f->verdict.bill.unruled &&
           !runtime_of(&f->asked.knobs)->published;
}

void show_cpu_placement(struct doc *d, const struct fit *f)
{
    struct cpu_placement p;
    if (!has_placement(f)) return;
    judge_cpu_placement(&f->asked.task, f->machine, &f->verdict, &p);
    struct block *b = doc_facts(d, "On the CPU");
    say_threads(d, b, &p);
    if (!p.whole) return;
    const char *nodes = nodes_words(&p, d->arena);
    if (nodes) facts_row(d, b, "nodes", "%s", nodes);
    if (p.pinned || p.nodes == NODES_TOO_SMALL || p.nodes == NODES_PARTS)
        facts_row(d, b, "",
                  "no speed of a single node is known: try with and without, after dropping what "
                  "the page cache holds of the file elsewhere");
    say_loading(d, b, &p);
    say_disk(d, b, f);
}

static void put_most(struct writer *w, const char *key, double value)
{
    writer_put_number(w, key, value > 0 ? value : (double)NAN);
}

void write_cpu_placement(struct writer *w, const struct fit *f)
{
    struct cpu_placement p;
    writer_key(w, "cpu_placement");
    if (!has_placement(f)) {
        writer_null(w);
        return;
    }
    judge_cpu_placement(&f->asked.task, f->machine, &f->verdict, &p);
    writer_map(w);
    put_most(w, "threads", p.threads);
    put_most(w, "batch_threads", p.batch_threads);
    put_most(w, "llama_threads", p.usual_threads);
    put_most(w, "rated_threads", p.rated_threads);
    writer_put_cstr(w, "nodes", p.whole ? nodes_word[p.nodes] : NULL);
    writer_put_number(w, "node", p.pinned == 1 ? p.node[0] : (double)NAN);
    writer_key(w, "pinned_nodes");
    writer_list(w);
    for (size_t i = 0; i < p.pinned; i++) writer_number(w, p.node[i]);
    writer_list_end(w);
    writer_put_number(w, "node_free_bytes", p.node_free_bytes);
    writer_put_number(w, "needs_bytes", p.needs_bytes);
    writer_put_number(w, "repacked_bytes", p.repacked_bytes);
    writer_put_number(w, "repack_least_s", p.repack_least_s);
    writer_put_number(w, "file_read_least_s", p.file_read_least_s);
    writer_put_bool(w, "tight", p.tight);
    writer_map_end(w);
}
