/* verb/manual.c - muster(1) in mdoc, from the table of verbs and the list of error codes. What neither table knows, the environment and
 * the files, stands here in rows. Lines end within 80 bytes and a sentence begins a line, as mandoc -T lint asks. */
#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "cost/cost.h"
#include "doc/wrap.h"
#include "verb/help.h"
#include "verb/request.h"

#define DATE "November 21, 2026" /* when the words of this page last changed */

enum { LINE_BYTES = 78 };

struct named {
    const char *name, *words;
};

static const struct named environment[] = {
    {"HOME", "Stands in for XDG folders that are not given, and holds the usual model caches."},
    {"XDG_CONFIG_HOME", "Where the user's own tables are, in a folder muster; usually ~/.config."},
    {"XDG_STATE_HOME", "Where measurements are kept, in a folder muster; usually ~/.local/state."},
    {"MUSTER_ENGINE", "The program that measures; usually found beside muster or in libexec."},
    {"NO_COLOR", "When it is set and not empty, no colour is used unless --colour asks for it."},
    {"HF_HUB_CACHE", "The cache of model files whose disk is looked at."},
    {"HF_HOME", "The folder of that cache, when HF_HUB_CACHE is not set."},
    {"XDG_CACHE_HOME",
     "The folder of caches, when neither is set, and of what --online kept; usually ~/.cache."},
    {"HUGGINGFACE_HUB_CACHE", "The older name of HF_HUB_CACHE."},
    {"HF_ENDPOINT",
     "The hub that --online asks, and that a message names for what is not on this disk; usually "
     "https://huggingface.co."},
    {"HF_TOKEN", "Sent to that hub by --online, and to no other host; over https, unless "
                 "HF_ENDPOINT says http. "
                 "It is never shown and never kept."},
    {"HF_TOKEN_PATH", "The file that logging in to the hub left a token in, sent likewise when "
                      "HF_TOKEN is not set; usually token in HF_HOME."},
    {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "When it is 1, that file is not read."},
    {"HF_HUB_OFFLINE", "When it is 1, --online asks no hub."},
    {"https_proxy", "The proxy that --online goes through, as libcurl takes it."},
    {"http_proxy", "The same, for addresses of http."},
    {"all_proxy", "The same, where neither is set."},
    {"no_proxy", "Hosts that are asked directly all the same."},
    {"LLAMA_CACHE", "Where llama.cpp keeps what it fetched."},
    {"OLLAMA_MODELS", "Where Ollama keeps its models."},
    {"PATH", "Searched for the python3 that a report names, and for Ollama."},
    {"TERM", "When it is dumb, no colour is used unless --colour asks for it."},
    {"SLURM_CPUS_PER_TASK", "Processors of a Slurm allocation that this process runs in."},
    {"SLURM_CPUS_ON_NODE", "The same, when tasks have no number of their own."},
    {"SLURM_MEM_PER_NODE", "Memory of that allocation, MiB."},
    {"SLURM_MEM_PER_CPU", "The same, for each processor."},
    {"SLURM_STEP_GPUS", "GPUs of the step that this process runs in."},
    {"SLURM_JOB_GPUS", "The same of the job, when the step has none of its own."},
    {"SLURM_JOB_ID", "Says that this process runs in a job of Slurm's."},
    {"CUDA_VISIBLE_DEVICES",
     "Cards that a process may use, by index, UUID or slice; those of other makers too, when "
     "nothing of theirs is set."},
    {"CUDA_DEVICE_ORDER", "What those indices count along; PCI_BUS_ID is the only sure one."},
    {"NVIDIA_VISIBLE_DEVICES", "In a container, the cards that it was given."},
    {"ROCR_VISIBLE_DEVICES", "Cards that a process may use, under ROCm."},
    {"HIP_VISIBLE_DEVICES", "Cards among those."},
    {"GPU_DEVICE_ORDINAL", "The same, in its older spelling."},
    {"ZE_AFFINITY_MASK", "Cards that a process may use, under Level Zero."},
    {"ONEAPI_DEVICE_SELECTOR", "Noted when it is set: it may leave cards out."},
};

static const struct named files[] = {
    {"capability_report_HOST.json",
     "The report that check saves in the current folder. A file of that name that is no report "
     "is left alone."},
    {"~/.local/state/muster/",
     "What was measured and what trials showed, one file of each a machine."},
    {"~/.cache/muster/headers/",
     "The headers of models that --online fetched, by host. Removing them costs another fetch."},
    {"~/.config/muster/",
     "The user's own tables, in the form of those that are built in; rows with the same name win."},
};

/* Keys of a machine line (machine/line.c); a test holds them against its own. */
static const struct named machine_keys[] = {
    {"ram", "Memory of the machine, as 32GiB or 32GB; a bare number counts GiB. It must be given."},
    {"available", "What is free of it; all of it, where that is not said."},
    {"swap", "Swap space."},
    {"cpu", "A CPU by name, or a number: 8, 8 cores, 16 threads."},
    {"gpu",
     "Cards between commas: a name in any spelling, its memory (24GB), what is free of that "
     "(free 20GB), what it reads of it a second in place of what is listed (900GB/s), and how "
     "many of them (x2). A name that is not known needs its memory, and has a speed where its "
     "reading is given too. Behind a chip without memory of its own a size is what it may take of "
     "ram."},
    {"link", "How the cards are attached: PCIe 4.0 x16, or 25GB/s."},
    {"bandwidth", "What all processors together read of memory a second, as 60GB/s."},
    {"disk", "Free space on the disk."},
    {"host", "A name for the machine."},
    {"os", "linux, macos, windows, or a distribution."},
};

/* Bytes of a text line. A line never begins as a request would; a dash that is typed stays one (every dash of what is literal). */
static void add_bytes(struct buf *out, struct str s, bool literal)
{
    if (s.n && strchr(".'", s.p[0])) buf_add(out, S("\\&"));
    for (size_t i = 0; i < s.n; i++) {
        const bool after_blank = i == 0 || s.p[i - 1] == ' ' || s.p[i - 1] == '-';
        const bool option = after_blank && i + 1 < s.n && s.p[i + 1] != ' ';
        if (s.p[i] == '\\')
            buf_add(out, S("\\e"));
        else if (s.p[i] == '-' && (literal || option))
            buf_add(out, S("\\-"));
        else
            buf_char(out, s.p[i]);
    }
}

/* Where the first sentence of the text ends, with its blank left out; the whole length when it is the only one. */
static size_t sentence(struct str s)
{
    for (size_t i = 0; i + 2 < s.n; i++) {
        const bool begins = s.p[i + 2] >= 'A' && s.p[i + 2] <= 'Z';
        if (strchr(".?!", s.p[i]) && s.p[i + 1] == ' ' && begins) return i + 1;
    }
    return s.n;
}

/* A sentence a line, cut at blanks. */
static void add_text(struct buf *out, const char *text)
{
    struct str rest = str_of(text);
    while (rest.n) {
        struct str part = {rest.p, sentence(rest)};
        rest = str_trim((struct str){rest.p + part.n, rest.n - part.n});
        while (part.n) {
            add_bytes(out, wrap_line(&part, LINE_BYTES - 8), false);
            buf_char(out, '\n');
        }
    }
}

/* A tag: an option and what stands for its value. */
static void add_tag(struct buf *out, const struct spelled *s)
{
    buf_add(out, S(".It "));
    if (s->letter) buf_format(out, "Fl %c , ", s->letter);
    buf_format(out, "Fl \\-%s%s", s->negated ? "[no\\-]" : "", s->name);
    if (s->value) buf_format(out, " Ar %s", s->value);
    buf_char(out, '\n');
}

static void add_options(struct buf *out, const struct verb *v, enum spelled_of of)
{
    const size_t n = spelled_count(v, of);
    if (!n) return;
    buf_add(out, S(".Bl -tag -width Ds\n"));
    for (size_t i = 0; i < n; i++) {
        const struct spelled s = spelled_at(v, of, i);
        add_tag(out, &s);
        add_text(out, s.words);
        if (of == SPELLED_COMMON || !s.choices) continue;
        buf_add(out, S(".br\nOne of\n"));
        for (size_t c = 0; s.choices[c]; c++)
            buf_format(out, ".Cm %s%s\n", s.choices[c], s.choices[c + 1] ? " ," : " .");
    }
    buf_add(out, S(".El\n"));
}

static void add_synopsis(struct buf *out, const struct verb *const *table)
{
    for (const struct verb *const *v = table; *v; v++) {
        buf_format(out, ".Nm\n%s%s%s\n.Op Ar option ...\n", v == table ? ".Op " : "",
                   v == table ? "Cm " : ".Cm ", (*v)->name);
        if (*(*v)->operands) buf_format(out, ".Ar %s\n", (*v)->operands);
    }
    buf_format(out, ".Nm\n.Cm help\n.Ar %s\n", help_operands);
}

/* The settings of every workload that has others than the verb's own. */
static void add_kinds(struct buf *out, const struct verb *v)
{
    for (size_t i = 0; v->by_kind && workloads[i]; i++) {
        struct verb other = *v;
        other.knobs = workloads[i];
        if (workloads[i]->knob == v->knobs->knob) continue;
        buf_format(out, ".Pp\nSettings with\n.Fl \\-kind Cm %s\n\\(em %s:\n", workloads[i]->name,
                   workloads[i]->words);
        add_options(out, &other, SPELLED_KNOB);
    }
}

static void add_commands(struct buf *out, const struct verb *const *table)
{
    buf_add(out, S(".Sh COMMANDS\n"));
    for (; *table; table++) {
        const struct verb *v = *table;
        buf_format(out, ".Ss %s\n", v->name);
        add_text(out, v->about);
        add_options(out, v, SPELLED_OWN);
        if (!spelled_count(v, SPELLED_KNOB)) continue;
        buf_add(out, S(".Pp\nSettings of the workload:\n"));
        add_options(out, v, SPELLED_KNOB);
        add_kinds(out, v);
    }
    buf_add(out, S(".Ss help\n"));
    add_text(out, help_words);
}

static void add_named(struct buf *out, const struct named *row, size_t rows, const char *macro)
{
    buf_add(out, S(".Bl -tag -width Ds\n"));
    for (size_t i = 0; i < rows; i++) {
        buf_format(out, ".It %s %s\n", macro, row[i].name);
        add_text(out, row[i].words);
    }
    buf_add(out, S(".El\n"));
}

static void add_exit_statuses(struct buf *out)
{
    buf_add(out, S(".Sh EXIT STATUS\n1, and those of sysexits(3):\n.Bl -tag -width Ds\n"));
    for (enum mu_code code = MU_OK; code < MU_CODE_COUNT; code++) {
        buf_format(out, ".It %d\n", err_exit_status(code));
        add_text(out, err_words(code));
    }
    buf_add(out, S(".El\n"));
}

static void add_examples(struct buf *out, const struct verb *const *table)
{
    buf_add(out, S(".Sh EXAMPLES\n"));
    for (; *table; table++) {
        const struct verb *v = *table;
        if (!v->examples || !*v->examples) continue;
        buf_format(out, ".Ss %s\n.Bd -literal\n", v->name);
        for (const char *const *e = v->examples; *e; e++) {
            add_bytes(out, str_of(*e), true);
            buf_char(out, '\n');
        }
        buf_add(out, S(".Ed\n"));
    }
}

void help_manual(const struct verb *const *table, struct buf *out)
{
    assert(*table);
    buf_add(out, S(".\\\" Made by `muster help man` from the table of commands.\n"
                   ".Dd " DATE "\n.Dt MUSTER 1\n.Os\n.Sh NAME\n.Nm muster\n"
                   ".Nd what this machine can do with language models, measured\n"
                   ".Sh SYNOPSIS\n"));
    add_synopsis(out, table);
    buf_add(out, S(".Sh DESCRIPTION\n"));
    add_text(out, "muster tells what a machine can do with language models, proves it by "
                  "measuring, and says what to change when it cannot. The answer goes to standard "
                  "output, everything else to standard error.");
    buf_format(out, ".Pp\nWithout a command,\n.Cm %s\nis meant.\n", (*table)->name);
    buf_add(out, S("These options go with every command:\n"));
    add_options(out, NULL, SPELLED_COMMON);
    add_commands(out, table);
    buf_add(out, S(".Sh MACHINE LINES\n"));
    add_text(out, "Where a report is taken for another machine, a line of text may stand instead: "
                  "keys and values with a colon between them, where a value runs to the next key.");
    add_named(out, machine_keys, COUNT_OF(machine_keys), "Cm");
    buf_add(out, S(".Sh ENVIRONMENT\n"));
    add_named(out, environment, COUNT_OF(environment), "Ev");
    buf_add(out, S(".Sh FILES\n"));
    add_named(out, files, COUNT_OF(files), "Pa");
    add_exit_statuses(out);
    add_examples(out, table);
}
