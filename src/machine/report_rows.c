/* The field tables of a report: the guide's own keys in the guide's order, then ours. Facts have theirs in fields.c. */
#include "machine/report_rows.h"
#include "base/attr.h"

#include <stddef.h>

const char *const report_pool_words[REPORT_POOL_KINDS] = {[POOL_MEMORY] = "memory",
                                                          [POOL_DEVICE] = "device",
                                                          [POOL_SHARED] = "shared",
                                                          [POOL_DISK] = "disk"};
const char *const report_place_words[REPORT_PLACE_KINDS] = {
    [PLACE_CPU] = "cpu", [PLACE_GPU] = "gpu", [PLACE_NPU] = "npu"};
const char report_schema_name[] = "report/1";

static const struct field system_fields[] = {
    FIELD(FIELD_TEXT, struct guide_system, platform, "platform.system()"),
    FIELD(FIELD_TEXT, struct guide_system, processor, "platform.processor()"),
    FIELD(FIELD_TEXT, struct guide_system, architecture, "platform.machine()"),
    FIELD(FIELD_TEXT, struct guide_system, python_version,
          "sys.version of the first python3 in PATH"),
    FIELD(FIELD_NUMBER, struct guide_system, cpu_count, "logical CPUs"),
    FIELD(FIELD_NUMBER, struct guide_system, cpu_count_physical, "physical cores"),
    FIELD(FIELD_NUMBER, struct guide_system, ram_gb, "memory, GiB with two decimals"),
    FIELD(FIELD_NUMBER, struct guide_system, ram_available_gb,
          "MemAvailable, GiB with two decimals"),
    FIELD(FIELD_NUMBER, struct guide_system, disk_free_gb, "free on /, GiB with two decimals"),
    FIELD(FIELD_TEXT, struct guide_system, gpu, "lines of \"name, N MiB\""),
    FIELD_OPTIONAL(FIELD_TEXT, struct guide_system, gpu_type,
                   "the guide's word for the kind of GPU"),
};
static const struct fields system_table = FIELD_TABLE(struct guide_system, "system", system_fields);

static const struct field benchmark_fields[] = {
    FIELD(FIELD_NUMBER, struct guide_benchmark, matrix_mult_time,
          "100 rounds of the guide's benchmark, seconds"),
    FIELD(FIELD_NUMBER, struct guide_benchmark, operations_per_second, "rounds a second"),
};
static const struct fields benchmark_table =
    FIELD_TABLE(struct guide_benchmark, "benchmark", benchmark_fields);

static const struct field capabilities_fields[] = {
    FIELD(FIELD_BOOL, struct guide_capabilities, prerequisites, "by the guide's rules"),
    FIELD(FIELD_BOOL, struct guide_capabilities, e0_e1, "by the guide's rules"),
    FIELD(FIELD_BOOL, struct guide_capabilities, e2_full, "by the guide's rules"),
    FIELD(FIELD_BOOL, struct guide_capabilities, e2_quantized, "by the guide's rules"),
    FIELD_WORDS("model_recommendations", struct guide_capabilities, model_recommendations,
                model_recommendation_count, "the guide's"),
    FIELD_OPTIONAL(FIELD_TEXT, struct guide_capabilities, notes, "the guide's"),
};
static const struct fields capabilities_table =
    FIELD_TABLE(struct guide_capabilities, "capabilities", capabilities_fields);

static const struct field machine_fields[] = {
    FIELD(FIELD_TEXT, struct machine_row, name, "host name"),
    FIELD(FIELD_TEXT, struct machine_row, fingerprint, "of what decides its speed"),
    FIELD(FIELD_TEXT, struct machine_row, unmeasured, "why there are no rates; null when measured"),
};
static const struct fields machine_table =
    FIELD_TABLE(struct machine_row, "machine", machine_fields);

static const struct field budget_fields[] = {
    FIELD(FIELD_QUANTITY, struct budget_row, memory_bytes,
          "memory one process may really use, bytes"),
    FIELD(FIELD_TEXT, struct budget_row, memory_bound_by, "what bound it"),
    FIELD(FIELD_QUANTITY, struct budget_row, threads, "CPUs one process may really use"),
    FIELD(FIELD_TEXT, struct budget_row, threads_bound_by, "what bound them"),
};
static const struct fields budget_table = FIELD_TABLE(struct budget_row, "budget", budget_fields);

static const struct field pool_fields[] = {
    FIELD(FIELD_TEXT, struct pool_row, kind, "memory, device, shared or disk"),
    FIELD(FIELD_TEXT, struct pool_row, name, "what it is called"),
    FIELD(FIELD_QUANTITY, struct pool_row, total_bytes, "its size, bytes"),
    FIELD(FIELD_QUANTITY, struct pool_row, usable_bytes, "what one process may use of it, bytes"),
    FIELD(FIELD_TEXT, struct pool_row, bound_by, "what bound it"),
};
static const struct fields pool_table = FIELD_TABLE(struct pool_row, "pool", pool_fields);

static const struct field place_fields[] = {
    FIELD(FIELD_TEXT, struct place_row, kind, "cpu, gpu or npu"),
    FIELD(FIELD_TEXT, struct place_row, name, "what it is called"),
    FIELD(FIELD_NUMBER, struct place_row, pool, "index of the pool it works in"),
    FIELD(FIELD_QUANTITY, struct place_row, threads, "threads one process may use there"),
    FIELD(FIELD_TEXT, struct place_row, bound_by, "what bound them, or limit_bytes"),
    FIELD_OPTIONAL(FIELD_TEXT, struct place_row, part, "its row of the catalogue"),
    FIELD_OPTIONAL(FIELD_TEXT, struct place_row, architecture, "as the catalogue says"),
    FIELD_OPTIONAL(FIELD_TEXT, struct place_row, backend, "of llama.cpp, what people run there"),
    FIELD_OPTIONAL(FIELD_QUANTITY, struct place_row, limit_bytes,
                   "the most of a shared pool that it may use, bytes"),
    FIELD_OPTIONAL(FIELD_QUANTITY, struct place_row, power_w, "what it may draw, watts"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct place_row, gpu, "index into facts.gpus"),
};
static const struct fields place_table = FIELD_TABLE(struct place_row, "place", place_fields);

static const struct field link_fields[] = {
    FIELD(FIELD_NUMBER, struct link_row, from, "index of a pool"),
    FIELD(FIELD_NUMBER, struct link_row, to, "index of another"),
    FIELD(FIELD_TEXT, struct link_row, words, "PCIe 4.0 x16; null when not known"),
    FIELD(FIELD_QUANTITY, struct link_row, bytes_per_s, "one way, bytes a second"),
};
static const struct fields link_table = FIELD_TABLE(struct link_row, "link", link_fields);

static const struct field rate_fields[] = {
    FIELD(FIELD_TEXT, struct rate_row, work, "what it is a price of"),
    FIELD(FIELD_TEXT, struct rate_row, unit, "of per_s"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct rate_row, type, "ggml's id of the weights or of the cache"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct rate_row, tokens, "columns at once; 1 when decoding"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct rate_row, row, "values of a row, or of a head"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct rate_row, group, "heads that share a key"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct rate_row, cell, "values in a cell of the cache"),
    FIELD_OPTIONAL(FIELD_TEXT, struct rate_row, buffer, "where llama.cpp keeps such weights"),
    FIELD(FIELD_NUMBER, struct rate_row, place, "index of the place that did it"),
    FIELD(FIELD_NUMBER, struct rate_row, threads, "with so many threads"),
    FIELD(FIELD_ESTIMATE, struct rate_row, per_s, "least, likely and most of the runs, a second"),
    FIELD(FIELD_NUMBER, struct rate_row, runs, "how many runs"),
    FIELD(FIELD_TEXT, struct rate_row, conditions, "idle or busy; null when not known"),
};
static const struct fields rate_table = FIELD_TABLE(struct rate_row, "rate", rate_fields);

static const struct field verdict_fields[] = {
    FIELD(FIELD_TEXT, struct verdict_row, id, "the experiment"),
    FIELD(FIELD_TEXT, struct verdict_row, title, "its title"),
    FIELD(FIELD_TEXT, struct verdict_row, guide,
          "yes or no by the guide's rule; null when it has none"),
    FIELD(FIELD_TEXT, struct verdict_row, computed, "yes, probably, no, not computed"),
    FIELD(FIELD_TEXT, struct verdict_row, why, "one sentence"),
    FIELD(FIELD_NUMBER, struct verdict_row, needed_bytes,
          "memory it needs, bytes; null when not computed"),
    FIELD_OPTIONAL(FIELD_TEXT, struct verdict_row, set, "the set of experiments it is of"),
    FIELD_OPTIONAL(FIELD_TEXT, struct verdict_row, command, "that runs it, its knobs filled in"),
};
static const struct fields verdict_table =
    FIELD_TABLE(struct verdict_row, "verdict", verdict_fields);

static const struct field requirement_fields[] = {
    FIELD(FIELD_TEXT, struct requirement_row, experiment, "who asks"),
    FIELD(FIELD_TEXT, struct requirement_row, level, "guide, minimum or recommended"),
    FIELD(FIELD_TEXT, struct requirement_row, of, "cpu, gpu or disk"),
    FIELD(FIELD_TEXT, struct requirement_row, asked, "as written"),
    FIELD(FIELD_TEXT, struct requirement_row, verdict, "met, not met, not known"),
    FIELD(FIELD_BOOL, struct requirement_row, wished, "only preferred, or not required at all"),
    FIELD(FIELD_TEXT, struct requirement_row, why, "one sentence"),
};
static const struct fields requirement_table =
    FIELD_TABLE(struct requirement_row, "requirement", requirement_fields);

static const struct field figure_fields[] = {
    FIELD(FIELD_TEXT, struct figure_row, experiment, "whose figure it is"),
    FIELD_OPTIONAL(FIELD_TEXT, struct figure_row, set, "the set of experiments it is of"),
    FIELD(FIELD_TEXT, struct figure_row, what, "its kind"),
    FIELD_OPTIONAL(FIELD_TEXT, struct figure_row, label, "what it is of, in words"),
    FIELD_OPTIONAL(FIELD_TEXT, struct figure_row, level,
                   "guide, minimum or recommended, of a threshold"),
    FIELD_OPTIONAL(FIELD_TEXT, struct figure_row, on,
                   "the machine it is about, where that is not this one"),
    FIELD(FIELD_TEXT, struct figure_row, said, "as the guide writes it"),
    FIELD(FIELD_NUMBER, struct figure_row, low,
          "the guide's, in bytes, seconds or tokens a second; null: open, or no number"),
    FIELD(FIELD_NUMBER, struct figure_row, high, "the same"),
    FIELD(FIELD_ESTIMATE, struct figure_row, ours, "ours, in the same unit; of yes and no 1 or 0"),
    FIELD(FIELD_TEXT, struct figure_row, verdict,
          "confirmed, too low, too high, refuted, unsupported"),
    FIELD(FIELD_TEXT, struct figure_row, why, "why it is unsupported; else null"),
    FIELD_OPTIONAL(FIELD_TEXT, struct figure_row, source, "where the guide says it"),
};
static const struct fields figure_table = FIELD_TABLE(struct figure_row, "figure", figure_fields);

#define DOCUMENT struct report_document
static const struct field document_fields[] = {
    FIELD(FIELD_TEXT, DOCUMENT, muster, "version that wrote this"),
    FIELD(FIELD_TEXT, DOCUMENT, schema, "kind of document and its number"),
    FIELD(FIELD_TEXT, DOCUMENT, timestamp, "local time, %Y-%m-%d %H:%M:%S"),
    FIELD(FIELD_TEXT, DOCUMENT, hostname, "host name"),
    FIELD_MAP(DOCUMENT, system, "the guide's figures", system_table),
    FIELD_MAP(DOCUMENT, benchmark, "the guide's benchmark; nulls when not measured",
              benchmark_table),
    FIELD_MAP_IF(DOCUMENT, capabilities, capable,
                 "the guide's verdict by the guide's rules; absent where no set with its rules was "
                 "judged",
                 capabilities_table),
    FIELD_MAP(DOCUMENT, machine, "which machine this is", machine_table),
    FIELD_MAP(DOCUMENT, budget, "what one process may really use", budget_table),
    FIELD_ROWS("pools", DOCUMENT, pool, pools, "what holds bytes", pool_table),
    FIELD_ROWS("places", DOCUMENT, place, places, "what computes", place_table),
    FIELD_ROWS("links", DOCUMENT, link, links, "what moves bytes between pools", link_table),
    FIELD_ROWS("rates", DOCUMENT, rate, rates, "what it does a second", rate_table),
    FIELD_MAP(DOCUMENT, facts, "what is known of it, never priced", facts_table),
    FIELD_ROWS("verdicts", DOCUMENT, verdict, verdicts, "our own verdicts", verdict_table),
    FIELD_ROWS("requirements", DOCUMENT, requirement, requirements,
               "hardware asked for in words, held against this machine", requirement_table),
    FIELD_ROWS("figures", DOCUMENT, figure, figures, "the guide's figures beside ours",
               figure_table),
    FIELD_WORDS("notes", DOCUMENT, notes, note_count, "what the answer must confess"),
};
const struct fields report_document_table = FIELD_TABLE(DOCUMENT, "report", document_fields);
