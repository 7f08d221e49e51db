/* tests/unit/judge/test_requirement.c - hardware asked for in words: every such sentence of the five seeds is read as it is meant, what
 * cannot be read is said and not guessed, and verdicts follow the figures of machines made from lines. */
#include "../machine/looked.h"

#include <string.h>

#include "judge/requirement.h"

static struct looked *l;
static const struct requirement_words *words;

static int open_words(void **state)
{
    (void)state;
    l = looked_open(NULL);
    return requirement_words_read(l->looking.catalog, l->arena, &words, &l->err) ? 0 : -1;
}

static int close_words(void **state)
{
    (void)state;
    looked_close(l);
    return 0;
}

/* ---- reading ---- */

static void add_ask(struct buf *b, const struct ask *a)
{
    static const char *const kind[] = {[ASK_CORES] = "cores ",       [ASK_RAM] = "ram ",
                                       [ASK_ARCHITECTURE] = "arch ", [ASK_CPU] = "",
                                       [ASK_GPU_MAKE] = "make ",     [ASK_CHIP] = "chip ",
                                       [ASK_GPU_MEMORY] = "vram ",   [ASK_GPU] = "",
                                       [ASK_FREE] = "free ",         [ASK_DISK] = "disk ",
                                       [ASK_VECTORS] = "sets "};
    buf_format(b, "%s%s", a->wished ? "~" : "", kind[a->kind]);
    if (a->kind == ASK_CORES) buf_format(b, "%g", a->least);
    if (a->kind == ASK_RAM || a->kind == ASK_GPU_MEMORY || a->kind == ASK_FREE)
        buf_format(b, "%g", a->least / 1e9);
    for (size_t i = 0; i < a->parts; i++)
        buf_format(b, "%s%s%s", i ? "/" : "", a->part[i].family ? "family of " : "",
                   a->part[i].row);
    if (!a->parts && a->name_count) buf_format(b, "%s", a->names[0]);
    if (a->disk) buf_format(b, "%s", a->words);
}

/* "cores 4 & ram 8 | make nvidia": alternatives and what each asks. */
static const char *shape(enum requirement_of of, const char *text)
{
    const struct requirement *r =
        requirement_read(words, l->looking.catalog, of, str_of(text), l->arena);
    struct buf b;
    buf_init(&b, 8192);
    if (r->unread) buf_format(&b, "unread %s", r->unread);
    if (r->nothing) buf_add(&b, S("nothing"));
    for (size_t i = 0; i < r->alternatives; i++) {
        if (b.n) buf_add(&b, S(" | "));
        for (size_t k = 0; k < r->alternative[i].asks; k++) {
            if (k) buf_add(&b, S(" & "));
            add_ask(&b, &r->alternative[i].ask[k]);
        }
    }
    const char *out = str_copy(l->arena, buf_text(&b));
    buf_release(&b);
    return out;
}

struct sentence {
    enum requirement_of of;
    const char *text, *shape;
};

/* Every sentence of the seeds that asks for a CPU, a GPU or a disk. */
static const struct sentence seeds[] = {
    /* 000 */
    {REQUIRE_CPU, "Modern multi-core processor (Intel i5/AMD Ryzen 5 or equivalent)",
     "cores 2 & family of Intel Core i5-6500/family of AMD Ryzen 5 2600"},
    {REQUIRE_CPU, "16 GB system memory", "ram 16"},
    {REQUIRE_DISK, "50 GB free space for models and experiment data", "free 50"},
    {REQUIRE_GPU, "Optional but highly recommended for acceptable performance", "nothing"},
    {REQUIRE_CPU, "High-performance multi-core processor (Intel i7/i9 or AMD Ryzen 7/9)",
     NULL /* below: four families */},
    {REQUIRE_CPU, "32 GB or more system memory", "ram 32"},
    {REQUIRE_DISK, "100 GB+ free space (SSD preferred for faster model loading)",
     "free 100 & ~disk SSD"},
    {REQUIRE_GPU, "NVIDIA GPU with 8GB+ VRAM (RTX 3070/4060 Ti or better)",
     "make nvidia & vram 8 & GeForce RTX 3070/GeForce RTX 4060 Ti 8GB"},
    {REQUIRE_GPU, "GTX 1660 Ti, RTX 3060", "GeForce GTX 1660 Ti | GeForce RTX 3060 12GB"},
    {REQUIRE_GPU, "RTX 3070, RTX 4060 Ti", "GeForce RTX 3070 | GeForce RTX 4060 Ti 8GB"},
    {REQUIRE_GPU, "RTX 3080, RTX 4070 Ti", "GeForce RTX 3080 10GB | GeForce RTX 4070 Ti"},
    {REQUIRE_GPU, "RTX 3090, RTX 4090", "GeForce RTX 3090 | GeForce RTX 4090"},
    {REQUIRE_DISK, "Use faster storage (SSD)", "unread 'Use faster storage (SSD)'"},
    /* 001 */
    {REQUIRE_CPU, "Any x86_64 or ARM processor", "arch x86_64 | arch aarch64"},
    {REQUIRE_GPU, "Not required", "nothing"},
    {REQUIRE_CPU, "4+ cores", "cores 4"},
    {REQUIRE_CPU, "2+ cores", "cores 2"},
    {REQUIRE_CPU, "8+ cores", "cores 8"},
    {REQUIRE_GPU, "Helpful but not required with quantization", "nothing"},
    {REQUIRE_GPU, "Any CUDA-capable or Apple Silicon", "make nvidia | chip apple"},
    /* 002 */
    {REQUIRE_CPU, "4+ cores, 8GB RAM", "cores 4 & ram 8"},
    {REQUIRE_GPU, "Optional (CPU conversion works well)", "nothing"},
    {REQUIRE_CPU, "8+ cores, 16GB+ RAM", "cores 8 & ram 16"},
    {REQUIRE_GPU, "8GB+ VRAM (NVIDIA GTX 1070 or better)", "vram 8 & GeForce GTX 1070"},
    {REQUIRE_CPU, "16+ cores, 32GB+ RAM", "cores 16 & ram 32"},
    {REQUIRE_GPU, "20GB+ VRAM (NVIDIA RTX 3090/4090, A100)",
     "vram 20 & GeForce RTX 3090/GeForce RTX 4090/A100 PCIe 40GB"},
    {REQUIRE_CPU, "4 cores, 8GB RAM", "cores 4 & ram 8"},
    {REQUIRE_GPU, "4GB VRAM (NVIDIA GTX 1050 Ti)", "vram 4 & GeForce GTX 1050 Ti"},
    {REQUIRE_GPU, "8GB+ VRAM (NVIDIA RTX 3070+)", "vram 8 & GeForce RTX 3070"},
    {REQUIRE_CPU, "8+ cores recommended", "~cores 8"},
    {REQUIRE_CPU, "16GB+ for large context tests", "ram 16"},
    /* 003 */
    {REQUIRE_GPU, "NVIDIA RTX 5060 Ti 16GB", "GeForce RTX 5060 Ti 16GB"},
    {REQUIRE_GPU, "A100/H100", "A100 PCIe 40GB/H100 SXM5 80GB"},
    {REQUIRE_GPU, "RTX 4090 / RTX 5090", "GeForce RTX 4090/GeForce RTX 5090"},
    /* 004 */
    {REQUIRE_CPU, "Intel Core i5 10th generation or newer, or AMD Ryzen 5 3600 (or equivalent)",
     "Intel Core i5-10400 | AMD Ryzen 5 3600"},
    {REQUIRE_DISK, "50GB of free space, preferably on an SSD, to minimize data loading latencies.",
     "free 50 & ~disk SSD"},
    {REQUIRE_CPU, "Intel Core i7 12th generation, or AMD Ryzen 7 5800X",
     "Intel Core i7-12700 | AMD Ryzen 7 5800X"},
    {REQUIRE_GPU, "NVIDIA RTX 3060 (12GB VRAM or 8GB VRAM for 8-7B models) or AMD RX 6800",
     "GeForce RTX 3060 12GB/GeForce RTX 3060 8GB | Radeon RX 6800"},
    {REQUIRE_DISK,
     "At least 200GB on NVMe SSDs to accommodate larger models, datasets, and intermediate files.",
     "free 200 & disk NVMe SSDs"},
    {REQUIRE_CPU, "Intel Core i9 13th generation, or AMD Ryzen 9 7950X",
     "Intel Core i9-13900K | AMD Ryzen 9 7950X"},
    {REQUIRE_GPU, "NVIDIA RTX 4090 (24GB VRAM), NVIDIA A100 (40GB or 80GB VRAM), or AMD MI250",
     "GeForce RTX 4090 | A100 PCIe 40GB/A100 PCIe 80GB | Instinct MI250"},
    {REQUIRE_DISK,
     "At least 1TB of high-speed NVMe storage, with additional capacity for datasets and model "
     "checkpoints.",
     "free 1000 & disk NVMe"},
    /* sets of vector instructions, and disks of every kind */
    {REQUIRE_CPU, "8 cores with AVX2", "cores 8 & sets avx2"},
    {REQUIRE_CPU, "CPU with AVX2 or AVX-512 support", "sets avx2 | sets avx512f"},
    {REQUIRE_CPU, "AVX512 instructions, AMX preferred", "sets avx512f & ~sets amx_int8"},
    {REQUIRE_CPU, "AVX3", "unread 'AVX3'"},
    {REQUIRE_DISK, "100GB HDD", "free 100 & disk HDD"},
    {REQUIRE_DISK, "HDD or SSD, 50 GB", "disk HDD or SSD & free 50"},
    /* as the issue writes them */
    {REQUIRE_CPU, "i7-12700 or equivalent", "Intel Core i7-12700"},
    {REQUIRE_DISK, "200GB on NVMe SSDs", "free 200 & disk NVMe SSDs"},
    {REQUIRE_DISK, "SSD preferred", "~disk SSD"},
    {REQUIRE_DISK, "SSD/NVMe", "disk SSD/NVMe"},
    {REQUIRE_DISK, "500 GB NVMe/SSD", "free 500 & disk NVMe/SSD"},
    /* as they are often written besides */
    {REQUIRE_CPU, "Intel Core i7-12700 or AMD equivalent", "Intel Core i7-12700"},
    {REQUIRE_CPU, "8-core CPU (i7-12700 or equivalent)", "cores 8 & Intel Core i7-12700"},
    {REQUIRE_CPU, "8-", "unread '8-'"},
    {REQUIRE_GPU, "any", "unread 'any'"},
    {REQUIRE_GPU, "any GPU", "make "},
};

static void every_sentence_of_the_seeds_is_read_as_it_is_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(seeds); i++) {
        const char *have = shape(seeds[i].of, seeds[i].text);
        if (seeds[i].shape && strcmp(have, seeds[i].shape) != 0)
            fail_msg("%s\n is read as %s\n not as  %s", seeds[i].text, have, seeds[i].shape);
    }
}

static void strokes_take_the_words_in_front_along(void **state)
{
    (void)state;
    const struct requirement *r = requirement_read(
        words, l->looking.catalog, REQUIRE_CPU,
        S("High-performance multi-core processor (Intel i7/i9 or AMD Ryzen 7/9)"), l->arena);
    assert_null(r->unread);
    assert_int_equal(r->alternatives, 1);
    assert_int_equal(r->alternative[0].asks, 2);
    const struct ask *any = &r->alternative[0].ask[1];
    static const char *const names[] = {"Intel i7", "Intel i9", "AMD Ryzen 7", "AMD Ryzen 9"};
    assert_int_equal(any->parts, COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_string_equal(any->part[i].name, names[i]);
        assert_true(any->part[i].family);
    }
}

static void of_a_family_each_figure_is_the_least(void **state)
{
    (void)state;
    const struct requirement *r =
        requirement_read(words, l->looking.catalog, REQUIRE_CPU, S("Ryzen 5"), l->arena);
    assert_null(r->unread);
    const struct ask_part *p = &r->alternative[0].ask[0].part[0];
    assert_exactly(p->cores, 6);
    assert_close(p->bandwidth_gbs, 46.9, 1e-9);
    assert_int_equal(p->vectors, 1); /* AVX2; the later ones' AVX-512 is not asked */
}

/* What is not understood is never passed over. */
static void what_cannot_be_read_is_said(void **state)
{
    (void)state;
    static const struct sentence odd[] = {
        {REQUIRE_CPU, "", "unread it is empty"},
        {REQUIRE_CPU, "   ", "unread it is empty"},
        {REQUIRE_CPU, "a quick one", "unread 'quick one'"},
        {REQUIRE_CPU, "Intel i5 with good cooling", "unread 'good cooling'"},
        {REQUIRE_CPU, "Intel", "unread 'Intel'"},
        {REQUIRE_CPU, "Intel Core i5 97th generation", "unread '97th generation'"},
        {REQUIRE_CPU, "8", "unread '8'"},
        {REQUIRE_CPU, "8 threads", "unread '8 threads'"},
        {REQUIRE_CPU, "any model", "unread 'model'"},
        {REQUIRE_CPU, "5", "unread '5'"},
        {REQUIRE_CPU, "cores", "unread 'cores'"},
        {REQUIRE_CPU, "-4 cores", "unread '-4 cores'"},
        {REQUIRE_CPU, "i5 (or", "unread '(or'"},
        {REQUIRE_CPU, "i5)", "unread ')'"},
        {REQUIRE_CPU, "i5 ((i7))", "unread '(i7))'"},
        {REQUIRE_CPU, "i5/", "unread 'i5/'"},
        {REQUIRE_CPU, "i5/kettle", "unread 'i5/kettle'"},
        {REQUIRE_GPU, "RTX 9999", "unread 'RTX 9999'"},
        {REQUIRE_GPU, "RTX 3070 (16GB)", NULL},
        {REQUIRE_GPU, "not required for 3B, 8GB VRAM for 7B",
         "unread 'not required for 3B, 8GB VRAM for 7B'"},
        {REQUIRE_GPU, "VRAM", "unread 'VRAM'"},
        {REQUIRE_DISK, "floppy", "unread 'floppy'"},
        {REQUIRE_DISK, "or", "unread 'or'"},
    };
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        const char *have = shape(odd[i].of, odd[i].text);
        if (odd[i].shape && strcmp(have, odd[i].shape) != 0)
            fail_msg("\"%s\" is read as %s, not %s", odd[i].text, have, odd[i].shape);
    }
    char longer[4096];
    memset(longer, 'i', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_string_equal(shape(REQUIRE_CPU, longer), "unread it is too long");
}

/* ---- verdicts ---- */

struct verdict_row {
    const char *line;
    enum requirement_of of;
    const char *text;
    enum requirement_says says;
    const char *why; /* stands in the sentence */
};

static const struct verdict_row verdicts[] = {
    {"cpu:Intel Core i7-12700 ram:32", REQUIRE_CPU, "i7-12700 or equivalent", REQUIREMENT_MET,
     "12 cores, AVX2 and 76.8 GB/s asked by i7-12700; here 12 cores, AVX2, 76.8 GB/s as listed"},
    {"cpu:Intel Core i7-12700 ram:32 bandwidth:20GB/s", REQUIRE_CPU, "i7-12700 or equivalent",
     REQUIREMENT_NOT_MET, "20.0 GB/s"},
    {"cpu:Intel Core i7-12700 ram:32 bandwidth:60GB/s", REQUIRE_CPU, "i7-12700 or equivalent",
     REQUIREMENT_MET, "53.8 GB/s sustained asked"},
    {"cpu:AMD Ryzen 5 3600 ram:32", REQUIRE_CPU, "Intel i5/AMD Ryzen 5 or equivalent",
     REQUIREMENT_MET, "6 cores"},
    {"cpu:AMD Ryzen 5 3600 ram:32", REQUIRE_CPU, "i7-12700", REQUIREMENT_NOT_MET, "here 6 cores"},
    {"cpu:8 ram:32", REQUIRE_CPU, "Intel i5", REQUIREMENT_UNKNOWN, "instructions not known"},
    {"cpu:2 ram:32", REQUIRE_CPU, "Intel i5", REQUIREMENT_NOT_MET, "here 2 cores"},
    {"cpu:Apple M2 Max ram:32", REQUIRE_CPU, "Intel i5", REQUIREMENT_NOT_MET, "no AVX2"},
    {"cpu:Apple M2 Max ram:32", REQUIRE_GPU, "any CUDA-capable or Apple silicon", REQUIREMENT_MET,
     "Apple M2 Max"},
    {"cpu:16 threads ram:32", REQUIRE_CPU, "8+ cores", REQUIREMENT_UNKNOWN, "cores not known"},
    {"cpu:8 ram:16", REQUIRE_CPU, "4+ cores, 16GB RAM", REQUIREMENT_MET, "16.0 GiB of memory"},
    {"cpu:8 ram:15.5GiB", REQUIRE_CPU, "16 GB system memory", REQUIREMENT_MET, "15.5 GiB"},
    {"cpu:8 ram:8", REQUIRE_CPU, "16 GB system memory", REQUIREMENT_NOT_MET, "8.00 GiB"},
    {"cpu:8 ram:32", REQUIRE_CPU, "any x86_64 or ARM processor", REQUIREMENT_UNKNOWN,
     "architecture not known"},
    {"cpu:8 ram:32", REQUIRE_GPU, "not required", REQUIREMENT_MET, "nothing is asked"},
    {"cpu:8 ram:32", REQUIRE_GPU, "RTX 3070 or better", REQUIREMENT_NOT_MET, "here no GPU"},
    {"ram:32 gpu:RTX 4090", REQUIRE_GPU, "NVIDIA GPU with 8GB+ VRAM (RTX 3070/4060 Ti or better)",
     REQUIREMENT_MET, "GeForce RTX 4090"},
    {"ram:32 gpu:RTX 3060 12GB", REQUIRE_GPU,
     "NVIDIA GPU with 8GB+ VRAM (RTX 3070/4060 Ti or better)", REQUIREMENT_MET, "360 GB/s"},
    {"ram:32 gpu:RTX 3060 12GB", REQUIRE_GPU, "RTX 3070 or better", REQUIREMENT_NOT_MET,
     "8.00 GiB and 448 GB/s asked by GeForce RTX 3070; here GeForce RTX 3060 12GB, 12.0 GiB, 360 "
     "GB/s"},
    {"ram:32 gpu:RX 7900 XTX", REQUIRE_GPU, "GTX 1070 or better", REQUIREMENT_MET, "24.0 GiB"},
    {"ram:32 gpu:RX 7900 XTX", REQUIRE_GPU, "NVIDIA GPU with 8GB+ VRAM", REQUIREMENT_NOT_MET,
     "NVIDIA GPU asked; here Radeon RX 7900 XTX"},
    /* what is asked of a GPU is asked of one: neither card of these two does */
    {"ram:32 gpu:GTX 1050 Ti, RX 7900 XTX", REQUIRE_GPU, "NVIDIA GPU with 8GB+ VRAM",
     REQUIREMENT_NOT_MET, "asked"},
    {"ram:32 gpu:GTX 1050 Ti, RTX 4090", REQUIRE_GPU, "NVIDIA GPU with 8GB+ VRAM", REQUIREMENT_MET,
     "GeForce RTX 4090"},
    {"ram:32 gpu:T4", REQUIRE_GPU, "16GB+ VRAM", REQUIREMENT_MET, "16.0 GiB"},
    {"ram:32 gpu:mystery card 24GB", REQUIRE_GPU, "RTX 3070 or better", REQUIREMENT_UNKNOWN,
     "memory bandwidth not known"},
    {"ram:32 gpu:mystery card 24GB 450GB/s", REQUIRE_GPU, "RTX 3070 or better", REQUIREMENT_MET,
     "450 GB/s"},
    {"ram:32 gpu:RTX 3070 400GB/s", REQUIRE_GPU, "RTX 3070 or better", REQUIREMENT_NOT_MET,
     "400 GB/s"},
    {"cpu:Intel Core i7-12700 ram:32", REQUIRE_CPU, "8 cores with AVX2", REQUIREMENT_MET, "AVX2"},
    {"cpu:Intel Core i7-12700 ram:32", REQUIRE_CPU, "AVX-512 support", REQUIREMENT_NOT_MET,
     "AVX-512 asked; here no AVX-512"},
    {"cpu:Intel Core i7-12700 ram:32", REQUIRE_CPU, "AVX-512 or AVX2", REQUIREMENT_MET, "AVX2"},
    {"cpu:Apple M2 Max ram:32", REQUIRE_CPU, "AVX2", REQUIREMENT_NOT_MET, "no AVX2"},
    {"cpu:8 ram:32", REQUIRE_CPU, "AVX2", REQUIREMENT_UNKNOWN, "instructions not known"},
    {"ram:32 gpu:mystery card 4GB", REQUIRE_GPU, "RTX 3070 or better", REQUIREMENT_NOT_MET,
     "4.00 GiB"},
    {"ram:32 disk:300GiB", REQUIRE_DISK, "200GB", REQUIREMENT_MET, "300 GiB"},
    {"ram:32 disk:100GiB", REQUIRE_DISK, "200GB on NVMe SSDs", REQUIREMENT_NOT_MET, "100 GiB"},
    {"ram:32 disk:300GiB", REQUIRE_DISK, "200GB on NVMe SSDs", REQUIREMENT_UNKNOWN,
     "its kind not known, not measured"},
    {"ram:32", REQUIRE_DISK, "200GB", REQUIREMENT_UNKNOWN, "free disk space not known"},
    {"ram:32", REQUIRE_DISK, "a floppy", REQUIREMENT_UNKNOWN, "cannot read 'floppy'"},
};

static struct requirement_verdict held(const struct machine *m, enum requirement_of of,
                                       const char *text)
{
    const struct catalog *c = l->looking.catalog;
    const struct requirement *r = requirement_read(words, c, of, str_of(text), l->arena);
    return requirement_hold(r, words, c, m, l->arena);
}

static void verdicts_follow_the_figures(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(verdicts); i++) {
        const struct verdict_row *v = &verdicts[i];
        const struct requirement_verdict have = held(looked_line(l, v->line), v->of, v->text);
        if (have.says != v->says || !strstr(have.why, v->why))
            fail_msg("%s\n on %s\n is %s: %s\n not %s: %s", v->text, v->line,
                     requirement_word(have.says), have.why, requirement_word(v->says), v->why);
    }
}

/* More hardware never turns a yes into a no. */
static void more_never_fails_what_less_meets(void **state)
{
    (void)state;
    static const char *const texts[] = {"i5", "Ryzen 9", "8+ cores, 16GB RAM", "i7-12700"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        bool met = false;
        for (int n = 1; n <= 64; n *= 2) {
            const struct machine *m = looked_line(
                l, str_format(l->arena, "cpu:%d ram:%d bandwidth:%dGB/s", n, n, n * 10));
            struct machine copy = *m;
            struct facts facts = *m->facts;
            static const char *const features[] = {"avx2", "avx512f"};
            facts.cpu.features = features;
            facts.cpu.feature_count = 2;
            copy.facts = &facts;
            const struct requirement_verdict v = held(&copy, REQUIRE_CPU, texts[i]);
            if (met && v.says != REQUIREMENT_MET)
                fail_msg("%s: met with less, %s with %d", texts[i], v.why, n);
            met = v.says == REQUIREMENT_MET;
        }
        if (!met) fail_msg("%s is met by nothing", texts[i]);
    }
}

static void a_virtual_machine_has_not_all_of_the_chip(void **state)
{
    (void)state;
    const struct machine *m = looked_line(l, "cpu:Intel Core i7-12700 ram:32");
    struct machine copy = *m;
    struct facts facts = *m->facts;
    copy.facts = &facts;
    facts.os.virtual_machine = "kvm";
    const struct requirement_verdict v = held(&copy, REQUIRE_CPU, "i7-12700");
    assert_int_equal(v.says, REQUIREMENT_UNKNOWN);
    assert_non_null(strstr(v.why, "memory bandwidth not known"));
}

static void a_disk_goes_by_its_rate_then_by_its_kind(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        double mbs; /* 0: not measured */
        enum requirement_says hdd, ssd, nvme;
    } rows[] = {{"nvme", 0, REQUIREMENT_MET, REQUIREMENT_MET, REQUIREMENT_MET},
                {"ssd", 0, REQUIREMENT_MET, REQUIREMENT_MET, REQUIREMENT_NOT_MET},
                {"hdd", 0, REQUIREMENT_MET, REQUIREMENT_NOT_MET, REQUIREMENT_NOT_MET},
                {"virtual", 0, REQUIREMENT_UNKNOWN, REQUIREMENT_UNKNOWN, REQUIREMENT_UNKNOWN},
                {NULL, 0, REQUIREMENT_UNKNOWN, REQUIREMENT_UNKNOWN, REQUIREMENT_UNKNOWN},
                {"virtual", 12, REQUIREMENT_NOT_MET, REQUIREMENT_NOT_MET, REQUIREMENT_NOT_MET},
                {"virtual", 180, REQUIREMENT_MET, REQUIREMENT_NOT_MET, REQUIREMENT_NOT_MET},
                {"virtual", 540, REQUIREMENT_MET, REQUIREMENT_MET, REQUIREMENT_NOT_MET},
                {"virtual", 2400, REQUIREMENT_MET, REQUIREMENT_MET, REQUIREMENT_MET},
                {"nvme", 180, REQUIREMENT_MET, REQUIREMENT_NOT_MET, REQUIREMENT_NOT_MET}};
    const struct machine *m = looked_line(l, "ram:32 disk:300GiB");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct machine copy = *m;
        struct facts facts = *m->facts;
        struct disk_facts disk = facts.disk[0];
        const struct rate rate = {.work = WORK_DISK_READ_BYTES,
                                  .type = RATE_NO_TYPE,
                                  .threads = 1,
                                  .per_s = estimate_exactly(rows[i].mbs * 1e6, MEASURED, "a test")};
        disk.kind = rows[i].kind;
        facts.disk = &disk;
        copy.facts = &facts;
        copy.rate = &rate;
        copy.rates = rows[i].mbs > 0;
        const struct requirement_verdict hdd = held(&copy, REQUIRE_DISK, "a hard disk");
        const struct requirement_verdict ssd = held(&copy, REQUIRE_DISK, "SSD");
        const struct requirement_verdict nvme = held(&copy, REQUIRE_DISK, "NVMe");
        if (hdd.says != rows[i].hdd || ssd.says != rows[i].ssd || nvme.says != rows[i].nvme)
            fail_msg("row %zu: %s; %s; %s", i, hdd.why, ssd.why, nvme.why);
    }
}

static void a_wish_fails_nothing(void **state)
{
    (void)state;
    const struct machine *m = looked_line(l, "ram:32 disk:300GiB");
    struct machine copy = *m;
    struct facts facts = *m->facts;
    struct disk_facts disk = facts.disk[0];
    disk.kind = "hdd";
    facts.disk = &disk;
    copy.facts = &facts;
    const struct requirement_verdict both =
        held(&copy, REQUIRE_DISK, "100 GB+ free space (SSD preferred)");
    assert_int_equal(both.says, REQUIREMENT_MET);
    assert_false(both.wished);
    assert_non_null(strstr(both.why, "preferred only"));
    const struct requirement_verdict alone = held(&copy, REQUIRE_DISK, "SSD preferred");
    assert_int_equal(alone.says, REQUIREMENT_NOT_MET);
    assert_true(alone.wished);
}

static void a_hidden_gpu_does_not_count(void **state)
{
    (void)state;
    const struct machine *m = looked_line(l, "ram:32 gpu:RTX 4090");
    struct machine copy = *m;
    struct facts facts = *m->facts;
    struct gpu_seen gpu = facts.gpu[0];
    gpu.hidden = "CUDA_VISIBLE_DEVICES=";
    facts.gpu = &gpu;
    copy.facts = &facts;
    const struct requirement_verdict v = held(&copy, REQUIRE_GPU, "RTX 3070");
    assert_int_equal(v.says, REQUIREMENT_NOT_MET);
    assert_non_null(strstr(v.why, "CUDA_VISIBLE_DEVICES="));
}

/* Each beginning of each sentence, and each with a byte changed: a verdict and a sentence, never more. */
static void no_text_does_harm(void **state)
{
    (void)state;
    const struct machine *m = looked_line(l, "cpu:8 ram:32 gpu:RTX 4090 disk:300GiB");
    for (size_t i = 0; i < COUNT_OF(seeds); i++) {
        const size_t length = strlen(seeds[i].text);
        char text[512];
        assert_true(length < sizeof text);
        for (size_t n = 0; n <= length; n++) {
            memcpy(text, seeds[i].text, length + 1);
            text[n] = n % 2 ? '\0' : "(/,\xff)+"[n % 6];
            text[length] = '\0';
            const struct requirement_verdict v = held(m, seeds[i].of, text);
            assert_true(v.says <= REQUIREMENT_UNKNOWN);
            assert_true(v.why && *v.why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sentence_of_the_seeds_is_read_as_it_is_meant),
        cmocka_unit_test(strokes_take_the_words_in_front_along),
        cmocka_unit_test(of_a_family_each_figure_is_the_least),
        cmocka_unit_test(what_cannot_be_read_is_said),
        cmocka_unit_test(verdicts_follow_the_figures),
        cmocka_unit_test(more_never_fails_what_less_meets),
        cmocka_unit_test(a_virtual_machine_has_not_all_of_the_chip),
        cmocka_unit_test(a_disk_goes_by_its_rate_then_by_its_kind),
        cmocka_unit_test(a_wish_fails_nothing),
        cmocka_unit_test(a_hidden_gpu_does_not_count),
        cmocka_unit_test(no_text_does_harm),
    };
    return cmocka_run_group_tests(tests, open_words, close_words);
}
