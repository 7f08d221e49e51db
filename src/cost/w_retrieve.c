/* retrieve: an index over vectors, by kind: flat (every vector as it is), HNSW (and the links of a graph), IVF (lists around centroids),
 * IVF-PQ (codes in place of vectors). Bytes by the Faiss wiki, "Guidelines to choose an index" and its table of indexes.
 * Left out: the vectors while an index is built from them, unless they are kept beside it, and the query's own embedding. */
#include <math.h>

#include "base/num.h"
#include "cost/analysis.h"
#include "model/digest.h"

#define FIELD(name) offsetof(struct retrieve, name)
#define FAISS "Faiss wiki, indexes and their bytes per vector"
enum { COUNT_MOST = 1 << 20 };

static const char *const kinds[] = {"flat", "hnsw", "ivf", "ivf-pq", NULL};

/* What they give way to, strong to weak: a graph to none, then to codes in place of vectors. */
static const char *const index_rungs[] = {"hnsw", "flat|ivf", "ivf-pq", NULL};
static const char *const off_rungs[] = {"on", "off", NULL};

static const struct knob knobs[] = {
    {.name = "index",
     .option = "index",
     .words = "kind of index; flat",
     .kind = KNOB_CHOICE,
     .choices = kinds,
     .offset = FIELD(index),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_QUALITY, .rungs = index_rungs}},
    {.name = "vectors",
     .option = "vectors",
     .words = "how many it holds; 100000",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = 1e12,
     .offset = FIELD(vectors)},
    {.name = "dimensions",
     .option = "dimensions",
     .words = "of a vector; 0 is the model's width",
     .kind = KNOB_COUNT,
     .least = 0,
     .most = COUNT_MOST,
     .offset = FIELD(dimensions)},
    {.name = "links",
     .option = "links",
     .words = "M of HNSW; 32",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = COUNT_MOST,
     .offset = FIELD(links)},
    {.name = "lists",
     .option = "lists",
     .words = "lists of IVF; 1024",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = COUNT_MOST,
     .offset = FIELD(lists)},
    {.name = "code_bytes",
     .option = "code-bytes",
     .words = "bytes of a code of 8 bits a part; 64",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = COUNT_MOST,
     .offset = FIELD(code_bytes),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_QUALITY, .floor = 8}},
    {.name = "keep_vectors",
     .option = "keep-vectors",
     .words = "the vectors stay in memory beside the index; off",
     .kind = KNOB_SWITCH,
     .offset = FIELD(keep_vectors),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_TIME, .rungs = off_rungs}},
    AMOUNT_KNOB("queries", "queries", "asked in all; 0 is not said", FIELD(queries)),
};

void retrieve_usual(struct retrieve *r)
{
    *r = (struct retrieve){.vectors = 1e5, .links = 32, .lists = 1024, .code_bytes = 64};
}

static void lines(struct bill *b, const struct retrieve *r, double dimensions_)
{
    const bool graph = r->index == (double)INDEX_HNSW, codes = r->index == (double)INDEX_IVF_PQ;
    const bool lists_ = codes || r->index == (double)INDEX_IVF;
    GIVEN(b, vectors, r->vectors, "--vectors");
    GIVEN(b, dimensions, dimensions_, "--dimensions, or the model's width");
    GIVEN(b, links, graph ? r->links : 0, "--links");
    GIVEN(b, lists, lists_ ? r->lists : 0, "--lists");
    GIVEN(b, id_bytes, lists_ ? 8 : 0, FAISS);
    GIVEN(b, centroids_of_codes, codes ? 256 : 0, "8 bits");
    LET(b, vector_bytes, codes ? r->code_bytes : 4 * dimensions);
    HOLD(b, ON_HOST, "vectors of the index", "index", vectors * (vector_bytes + id_bytes),
         FAISS "; smaller: --index ivf-pq, fewer --dimensions");
    if (graph) {
        ABOUT(b, levels, 1, 1.1, 1.2, "upper levels and ids");
        HOLD(b, ON_HOST, "links of the graph", "index", vectors * 8 * links * levels,
             FAISS "; smaller: --links");
    }
    HOLD(b, ON_HOST, "centroids", "index", 4 * dimensions * (lists + centroids_of_codes), FAISS);
    LET(b, kept, r->keep_vectors ? 1 : 0);
    HOLD(b, ON_HOST, "vectors beside the index", "captures", kept * vectors * 4 * dimensions,
         "the array it was built from");
}

#define DEFAULTS "Faiss, what its indexes are made with: nprobe 1, efSearch 16, efConstruction 40"
static const double code_values = 256; /* of one part of a code: 8 bits */

/* One query: all vectors, one list of them behind its centroids, or a walk along links. */
static void searched(struct bill *b, const struct retrieve *r, double dimensions_)
{
    const struct line moved = {.phase = UNIT, .work = ELEMENT_BYTES, .site = ON_HOST};
    const struct line reads = {.phase = UNIT, .work = RANDOM_READS, .site = ON_HOST};
    const bool graph = r->index == (double)INDEX_HNSW, codes = r->index == (double)INDEX_IVF_PQ;
    const bool lists_ = codes || r->index == (double)INDEX_IVF;
    GIVEN(b, dimensions, dimensions_, "--dimensions, or the model's width");
    GIVEN(b, searched_candidates, graph ? 16 : 0, DEFAULTS);
    GIVEN(b, links, r->links, "--links");
    GIVEN(b, lists, lists_ ? r->lists : 0, "--lists");
    LET(b, met_vectors, graph ? 0 : lists_ ? r->vectors / r->lists : r->vectors);
    LET(b, vector_bytes, codes ? r->code_bytes : 4 * dimensions);
    WORK(b, (moved), "vectors met", met_vectors * vector_bytes + lists * 4 * dimensions,
         DEFAULTS "; fewer: --index ivf or hnsw");
    WORK(b, (reads), "links followed", searched_candidates * 2 * links,
         DEFAULTS ": the lowest level has twice as many links");
}

/* The index before its first query: a graph by searches, lists by k-means. */
static void built(struct bill *b, const struct retrieve *r, double dimensions_)
{
    const struct line flop = {.phase = ONCE, .work = TORCH_FLOP, .site = ON_HOST, .row = 4};
    const struct line moved = {.phase = ONCE, .work = ELEMENT_BYTES, .site = ON_HOST};
    const struct line reads = {.phase = ONCE, .work = RANDOM_READS, .site = ON_HOST};
    const double trained_per_list = 256, rounds_of_means = 10; /* Faiss, Clustering.h */
    const bool graph = r->index == (double)INDEX_HNSW, codes = r->index == (double)INDEX_IVF_PQ;
    const bool lists_ = codes || r->index == (double)INDEX_IVF;
    GIVEN(b, vectors, r->vectors, "--vectors");
    GIVEN(b, dimensions, dimensions_, "--dimensions, or the model's width");
    GIVEN(b, lists, lists_ ? r->lists : 0, "--lists");
    GIVEN(b, built_candidates, graph ? 40 : 0, DEFAULTS);
    GIVEN(b, links, r->links, "--links");
    GIVEN(b, rounds, rounds_of_means, "Faiss, Clustering.h");
    GIVEN(b, coded_values, codes ? code_values : 0, "8 bits");
    LET(b, trained_vectors, least(r->vectors, trained_per_list * r->lists));
    WORK(b, (flop), "centroids and lists",
         2 * dimensions * (lists * (trained_vectors * rounds + vectors) + coded_values * vectors),
         "k-means over at most 256 vectors a list, then each vector to its list and code");
    WORK(b, (reads), "links made", vectors * built_candidates * links, DEFAULTS);
    WORK(b, (moved), "vectors copied", 2 * vectors * 4 * dimensions, "into the index");
}

static void bill(struct bill *b, const struct digest *m, const void *chosen, const struct split *s)
{
    const struct retrieve *r = chosen;
    const double dimensions = r->dimensions > 0 ? r->dimensions : m->shape->width;
    (void)s;
    b->unruled = dimensions > 0 ? NULL : "the width of its vectors is not known";
    if (b->unruled) return;
    lines(b, r, dimensions);
    searched(b, r, dimensions);
    built(b, r, dimensions);
}

static void usual(void *chosen, const struct digest *m, const struct catalog *c)
{
    (void)m;
    (void)c;
    retrieve_usual(chosen);
}

static double units(const void *chosen)
{
    const struct retrieve *r = chosen;
    return r->queries > 0 ? r->queries : (double)NAN;
}

const struct workload workload_retrieve = {
    .name = "retrieve",
    .words = "an index over vectors",
    .knob = knobs,
    .knobs = sizeof knobs / sizeof *knobs,
    .size = sizeof(struct retrieve),
    .bill = bill,
    .usual = usual,
    .unit = "query",
    .units = units,
};
