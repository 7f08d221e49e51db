/* Folders laid out as the hub's cache, Ollama's store, LM Studio's and llama.cpp's: what is listed of them, where names lead, and what is
 * said when they lead nowhere. Their files begin as GGUF files do and are no longer than that. */
#include "../scratch.h"
#include "model_rig.h"

#include <fcntl.h>

#include "base/notes.h"
#include "base/root.h"
#include "model/stores.h"

#define REVISION "0123456789abcdef0123456789abcdef01234567"
#define OLDER "fedcba9876543210fedcba9876543210fedcba98"
#define DIGEST_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DIGEST_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define HUB ".cache/huggingface/hub/"
#define OLLAMA ".ollama/models/"

static const char *home, *endpoint;
static const char *env(const char *name)
{
    if (!strcmp(name, "HF_ENDPOINT")) return endpoint;
    return strcmp(name, "HOME") == 0 ? home : NULL;
}

static const char *at(const char *path)
{
    return str_format(arena, "%s/%s", home, path);
}

static void make_folders(const char *path)
{
    for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/'))
        mkdir(at(str_format(arena, "%.*s", (int)(p - path), path)), 0700);
}

static void put(const char *path, const char *text)
{
    make_folders(path);
    scratch_write(at(path), text, strlen(text));
}

static void add_text(struct buf *to, const char *text)
{
    const uint64_t n = strlen(text);
    buf_add(to, (struct str){(const char *)&n, sizeof n});
    buf_add(to, (struct str){text, (size_t)n});
}

/* The front of a GGUF file with two keys, and as many bytes of nothing behind it. */
static size_t put_gguf(const char *path, const char *architecture, const char *type, size_t more)
{
    const uint32_t text_kind = 8;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_add(&b, (struct str){"GGUF\3\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 24});
    add_text(&b, "general.architecture");
    buf_add(&b, (struct str){(const char *)&text_kind, sizeof text_kind});
    add_text(&b, architecture);
    add_text(&b, "general.type");
    buf_add(&b, (struct str){(const char *)&text_kind, sizeof text_kind});
    add_text(&b, type);
    buf_fill(&b, '\0', more);
    make_folders(path);
    scratch_write(at(path), b.p, b.n);
    const size_t n = b.n;
    buf_release(&b);
    return n;
}

static void link_to(const char *target, const char *path)
{
    make_folders(path);
    assert_int_equal(symlink(target, at(path)), 0);
}

struct listed {
    const struct stored *item;
    size_t count;
    struct notes notes;
};

static struct listed list_with(const char *const *folders)
{
    struct listed l = {.notes = {.arena = arena}};
    struct root root;
    struct mu_err err;
    assert_true(root_open(NULL, &root, &err));
    const struct looking in = {
        .root = &root, .catalog = catalog, .arena = arena, .notes = &l.notes, .env = env};
    l.count = stores_list(&in, folders, &l.item);
    root_close(&root);
    return l;
}

static const struct stored *named(const struct listed *l, const char *name)
{
    const struct stored *found = NULL;
    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->item[i].name, name) != 0) continue;
        if (found) fail_msg("%s is listed twice", name);
        found = &l->item[i];
    }
    if (!found) fail_msg("%s is not among the %zu listed", name, l->count);
    return found;
}

static void leads_to(const char *operand, const char *where)
{
    struct mu_err err = {.code = MU_OK};
    const char *path = NULL;
    if (!stores_operand(operand, env, arena, &path, &err)) fail_msg("%s", err.text);
    assert_string_equal(path, where);
}

/* Why a name leads nowhere. */
static const char *refused(const char *operand, enum mu_code code)
{
    struct mu_err err = {.code = MU_OK};
    const char *path = NULL;
    if (stores_operand(operand, env, arena, &path, &err)) fail_msg("%s leads to %s", operand, path);
    assert_null(path);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, "cannot "));
    return str_copy(arena, str_of(err.text));
}

static void other_operands_are_handed_through(void **state)
{
    home = *state;
    static const char *const others[] = {"mistral-7b", "phi3:mini", "/a/b.gguf", "",
                                         "hf",         "ollama",    "./hf:x"};
    for (size_t i = 0; i < COUNT_OF(others); i++) leads_to(others[i], others[i]);
}

static void nothing_is_listed_of_nothing(void **state)
{
    home = *state;
    assert_int_equal(list_with(NULL).count, 0);
    home = NULL;
    assert_int_equal(list_with(NULL).count, 0);
    struct root captured = {.captured = true};
    const struct looking in = {.root = &captured, .arena = arena, .env = env};
    const struct stored *item;
    assert_int_equal(stores_list(&in, NULL, &item), 0);
}

/* Two snapshots: the file both have is one blob, and refs/main says which is meant. */
static void make_hub(void)
{
    static const char repo[] = HUB "models--org--small-v1.5/";
    put(str_format(arena, "%srefs/main", repo), REVISION);
    put_gguf(str_format(arena, "%sblobs/b1", repo), "llama", "model", 100);
    put_gguf(str_format(arena, "%sblobs/b2", repo), "llama", "model", 50);
    put_gguf(str_format(arena, "%sblobs/b3", repo), "clip", "mmproj", 10);
    link_to("../../blobs/b1", str_format(arena, "%ssnapshots/" REVISION "/m-Q4_K_M.gguf", repo));
    link_to("../../blobs/b2", str_format(arena, "%ssnapshots/" REVISION "/m-q8_0.gguf", repo));
    link_to("../../blobs/b3", str_format(arena, "%ssnapshots/" REVISION "/mmproj-F16.gguf", repo));
    link_to("../../blobs/b1", str_format(arena, "%ssnapshots/" OLDER "/m-Q4_K_M.gguf", repo));
    put_gguf(str_format(arena, "%ssnapshots/" OLDER "/m-Q2_K.gguf", repo), "llama", "model", 0);
    put(str_format(arena, "%sblobs/b4.incomplete", repo), "half of it");
}

static void the_hub_is_listed_by_its_snapshots(void **state)
{
    home = *state;
    make_hub();
    const struct listed l = list_with(NULL);
    assert_int_equal(l.count, 6);
    assert_int_equal(l.notes.count, 0);
    const struct stored *s = named(&l, "hf:org/small-v1.5:m-Q4_K_M.gguf");
    assert_string_equal(s->store, "Hugging Face");
    assert_string_equal(s->format, "GGUF");
    assert_string_equal(s->quant, "Q4_K_M");
    assert_string_equal(s->architecture, "llama");
    assert_null(s->role);
    assert_null(s->missing);
    assert_int_equal(s->files, 1);
    assert_exactly(s->shared_bytes, 0);
    const struct stored *older = named(&l, "hf:org/small-v1.5@" OLDER ":m-Q4_K_M.gguf");
    assert_exactly(older->bytes, s->bytes);
    assert_exactly(older->shared_bytes, s->bytes);
    assert_string_equal(named(&l, "hf:org/small-v1.5:m-q8_0.gguf")->quant, "Q8_0");
    assert_string_equal(named(&l, "hf:org/small-v1.5:mmproj-F16.gguf")->role, "projector");
    s = named(&l, "hf:org/small-v1.5");
    assert_null(s->format);
    assert_string_equal(s->missing, "an unfinished download");
    assert_exactly(s->bytes, 10);
}

static void names_of_the_hub_lead_to_files(void **state)
{
    home = *state;
    make_hub();
    const char *main = at(HUB "models--org--small-v1.5/snapshots/" REVISION);
    leads_to("hf:org/small-v1.5:m-q8_0.gguf", str_format(arena, "%s/m-q8_0.gguf", main));
    leads_to("hf:org/small-v1.5:Q8_0", str_format(arena, "%s/m-q8_0.gguf", main));
    leads_to("hf:org/small-v1.5:q4_k_m", str_format(arena, "%s/m-Q4_K_M.gguf", main));
    leads_to("hf:org/small-v1.5", str_format(arena, "%s/m-Q4_K_M.gguf", main));
    leads_to("hf:org/small-v1.5:mmproj-F16.gguf", str_format(arena, "%s/mmproj-F16.gguf", main));
    leads_to("hf:org/small-v1.5@main:Q8_0", str_format(arena, "%s/m-q8_0.gguf", main));
    assert_string_equal(
        refused("hf:org/small-v1.5:Q2_K", MU_NOINPUT),
        "cannot open hf:org/small-v1.5:Q2_K: of that model there is no such file on "
        "this disk; there is m-Q4_K_M.gguf, m-q8_0.gguf, mmproj-F16.gguf");
    /* a projector is no model, whatever it is called */
    assert_non_null(strstr(refused("hf:org/small-v1.5:F16", MU_NOINPUT), "no such file"));
}

static void a_revision_leads_to_its_own_snapshot(void **state)
{
    home = *state;
    make_hub();
    put(HUB "models--org--small-v1.5/refs/v2", OLDER "\n");
    put(HUB "models--org--small-v1.5/refs/refs/pr/1", OLDER);
    put(HUB "models--org--small-v1.5/refs/lost", "1111111111111111111111111111111111111111");
    put(HUB "models--org--small-v1.5/refs/evil", "../" REVISION);
    const char *older = at(HUB "models--org--small-v1.5/snapshots/" OLDER "/m-Q2_K.gguf");
    leads_to("hf:org/small-v1.5@v2:Q2_K", older);
    leads_to("hf:org/small-v1.5@refs/pr/1:m-Q2_K.gguf", older);
    leads_to("hf:org/small-v1.5@" OLDER ":q2_k", older);
    leads_to("hf:org/small-v1.5@" REVISION,
             at(HUB "models--org--small-v1.5/snapshots/" REVISION "/m-Q4_K_M.gguf"));
    assert_non_null(strstr(refused("hf:org/small-v1.5@v2:Q8_0", MU_NOINPUT),
                           "there is m-Q2_K.gguf, m-Q4_K_M.gguf"));
    assert_non_null(strstr(refused("hf:org/small-v1.5@refs/pr/2", MU_NOINPUT),
                           "/api/models/org/small-v1.5/tree/refs%2Fpr%2F2, which is not asked: "
                           "fetch it first, as with hf download org/small-v1.5 --revision "
                           "refs/pr/2, or "));
    refused("hf:org/small-v1.5@lost", MU_NOINPUT);
    refused("hf:org/small-v1.5@evil", MU_NOINPUT);
    static const char *const out[] = {
        "hf:org/small-v1.5@",         "hf:org/small-v1.5@../refs/main", "hf:org/small-v1.5@a/../v2",
        "hf:org/small-v1.5@/v2",      "hf:org/small-v1.5@v2/",          "hf:org/small-v1.5@.hidden",
        "hf:org/small-v1.5@v2@v2",    "hf:org@v2/small-v1.5",           "hf:org/small-v1.5@v 2",
        "hf:org/small-v1.5@v2\\main", "hf:org/small-v1.5@v2?x",         "hf:org/small-v1.5@v..2",
    };
    for (size_t i = 0; i < COUNT_OF(out); i++)
        assert_non_null(strstr(refused(out[i], MU_NOINPUT), "cannot take"));
}

static void split_files_are_one_model(void **state)
{
    home = *state;
    const char *main = HUB "models--org--big/snapshots/" REVISION;
    put(HUB "models--org--big/refs/main", REVISION "\n");
    for (int part = 1; part <= 3; part++)
        put_gguf(str_format(arena, "%s/Q8_0/big-Q8_0-%05d-of-00003.gguf", main, part), "llama",
                 "model", 8);
    for (int part = 2; part <= 3; part++)
        put_gguf(str_format(arena, "%s/big-Q4_0-%05d-of-00004.gguf", main, part), "llama", "model",
                 8);
    const struct listed l = list_with(NULL);
    assert_int_equal(l.count, 2);
    const struct stored *s = named(&l, "hf:org/big:Q8_0/big-Q8_0-00001-of-00003.gguf");
    assert_int_equal(s->files, 3);
    assert_string_equal(s->quant, "Q8_0");
    assert_null(s->missing);
    s = named(&l, "hf:org/big:big-Q4_0-00002-of-00004.gguf");
    assert_int_equal(s->files, 2);
    assert_string_equal(s->missing, "2 of 4 parts are missing");
    leads_to("hf:org/big:Q8_0",
             at(str_format(arena, "%s/Q8_0/big-Q8_0-00001-of-00003.gguf", main)));
    leads_to("hf:org/big", at(str_format(arena, "%s/Q8_0/big-Q8_0-00001-of-00003.gguf", main)));
    refused("hf:org/big:Q4_0", MU_NOINPUT); /* its first part is missing */
}

static void safetensors_are_a_folder(void **state)
{
    home = *state;
    const char *whole = HUB "models--org--st/snapshots/" REVISION;
    put(HUB "models--org--st/refs/main", REVISION);
    put(str_format(arena, "%s/config.json", whole), "{}");
    put(str_format(arena, "%s/model-00001-of-00002.safetensors", whole), "12345");
    put(str_format(arena, "%s/model-00002-of-00002.safetensors", whole), "123");
    put(HUB "models--org--none/refs/main", REVISION);
    put(HUB "models--org--none/snapshots/" REVISION "/model.safetensors.index.json", "{}");
    put(HUB "models--org--half/refs/main", REVISION);
    put(HUB "models--org--half/snapshots/" REVISION "/model-00002-of-00003.safetensors", "1");
    put(HUB "models--org--lora/refs/main", REVISION);
    put(HUB "models--org--lora/snapshots/" REVISION "/adapter_model.safetensors", "1");
    put(HUB "models--org--bare/refs/main", REVISION);
    put(HUB "models--org--bare/snapshots/" REVISION "/model.safetensors", "1");
    put(HUB "models--org--text/refs/main", REVISION);
    put(HUB "models--org--text/snapshots/" REVISION "/config.json", "{}");
    const struct listed l = list_with(NULL);
    assert_int_equal(l.count, 5);
    const struct stored *s = named(&l, "hf:org/st");
    assert_string_equal(s->format, "safetensors");
    assert_string_equal(s->path, at(whole));
    assert_exactly(s->bytes, 8);
    assert_int_equal(s->files, 2);
    assert_null(s->missing);
    assert_string_equal(named(&l, "hf:org/none")->missing, "none of its parts is here");
    assert_string_equal(named(&l, "hf:org/half")->missing, "2 of 3 parts are missing");
    assert_string_equal(named(&l, "hf:org/bare")->missing, "its config.json is not here");
    assert_string_equal(named(&l, "hf:org/lora")->role, "adapter");
    assert_null(named(&l, "hf:org/lora")->missing);
    leads_to("hf:org/st", at(whole));
    leads_to("hf:org/st:model-00001-of-00002.safetensors",
             at(str_format(arena, "%s/model-00001-of-00002.safetensors", whole)));
}

static const char *manifest(const char *digest, double size, const char *more)
{
    return str_format(arena,
                      "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
                      "vnd.docker.container.image.v1+json\",\"digest\":\"sha256:" DIGEST_C
                      "\",\"size\":2},\"layers\":[{\"mediaType\":\"application/"
                      "vnd.ollama.image.license\",\"digest\":\"none\"},{\"mediaType\":"
                      "\"application/vnd.ollama.image.model\",\"digest\":\"sha256:%s\",\"size\":"
                      "%.0f}%s]}",
                      digest, size, more);
}

static void put_manifest(const char *name, const char *text)
{
    put(str_format(arena, OLLAMA "manifests/%s", name), text);
}

static void names_do_not_leave_the_cache(void **state)
{
    home = *state;
    make_hub();
    put("secret.gguf", "GGUF");
    put(HUB "models--org--evil/refs/main", "../../models--org--small-v1.5/snapshots/" REVISION);
    put_gguf(HUB "models--org--evil/snapshots/" REVISION "/a.gguf", "llama", "model", 0);
    /* each of these would be found, were the way up taken */
    put_gguf(".lmstudio/small/a-Q8_0.gguf", "llama", "model", 0);
    put_gguf(OLLAMA "blobs/sha256-" DIGEST_A, "llama", "model", 0);
    put_manifest("registry.ollama.ai/latest", manifest(DIGEST_A, 1, ""));
    put_manifest("small/latest", manifest(DIGEST_A, 1, ""));
    make_folders(".lmstudio/models/org/");
    static const char *const out[] = {
        "hf:../small",
        "ollama:../small",
        "hf:org/small-v1.5:../../../../../../secret.gguf",
        "hf:org/small-v1.5:/etc/passwd",
        "hf:org/small-v1.5:./m-Q4_K_M.gguf",
        "hf:../small-v1.5",
        "hf:org/..",
        "hf:org/small-v1.5/../x",
        "hf:/etc",
        "hf:org",
        "hf:",
        "hf:org/na me",
        "hf:org/a--b",
        "hf:org/evil",
        "ollama:",
        "ollama:..",
        "ollama:../../../secret.gguf",
        "ollama:a/../b",
        "ollama:a:../../b",
        "ollama:a:b:c",
        "ollama:/a",
        "ollama:a/",
        "ollama:w/x/y/z",
    };
    for (size_t i = 0; i < COUNT_OF(out); i++) refused(out[i], MU_NOINPUT);
    const char *text = refused("hf:a/\033[2J", MU_NOINPUT);
    assert_null(strchr(text, '\033'));
    char *huge = (char *)arena_alloc(arena, 1 << 20);
    memset(huge, 'a', (1 << 20) - 1);
    memcpy(huge, "hf:a/", 5);
    refused(huge, MU_NOINPUT);
    memcpy(huge, "ollama:a", 8);
    refused(huge, MU_NOINPUT);
}

static void what_is_not_here_is_said_with_where_it_is(void **state)
{
    home = *state;
    endpoint = NULL;
    assert_string_equal(refused("hf:org/name:Q4_K_M", MU_NOINPUT),
                        "cannot open hf:org/name:Q4_K_M: it is in no cache on this disk; its files "
                        "are listed at https://huggingface.co/api/models/org/name/tree/main, which "
                        "is not asked: fetch it first, as with hf download org/name, or let fit "
                        "and need read its header alone with --online");
    endpoint = "http://mirror.lan";
    assert_non_null(strstr(refused("hf:org/name", MU_NOINPUT), " http://mirror.lan/api/models/"));
    endpoint = "http://me:secret@mirror.lan";
    assert_null(strstr(refused("hf:org/name", MU_NOINPUT), "secret"));
    endpoint = NULL;
    assert_string_equal(
        refused("ollama:llama3.2:3b", MU_NOINPUT),
        "cannot open ollama:llama3.2:3b: Ollama's store on this disk has no such name; its "
        "manifest is at https://registry.ollama.ai/v2/library/llama3.2/manifests/3b, which is not "
        "asked: fetch it first, with ollama pull llama3.2:3b, or let fit and need "
        "read its header alone with --online");
}

static void ollamas_store_is_read_by_its_manifests(void **state)
{
    home = *state;
    const size_t n = put_gguf(OLLAMA "blobs/sha256-" DIGEST_A, "llama", "model", 64);
    put_gguf(OLLAMA "blobs/sha256-" DIGEST_B, "clip", "mmproj", 0);
    put(OLLAMA "blobs/sha256-" DIGEST_C, "{\"model_family\":\"other\",\"file_type\":\"Q4_K_M\"}");
    static const char projector[] = ",{\"mediaType\":\"application/vnd.ollama.image.projector\","
                                    "\"digest\":\"sha256:" DIGEST_B "\",\"size\":1}";
    const char *good = manifest(DIGEST_A, (double)n, "");
    put_manifest("registry.ollama.ai/library/llama3.2/3b", good);
    put_manifest("registry.ollama.ai/library/llama3.2/latest", good);
    put_manifest("registry.ollama.ai/someone/tuned/latest", manifest(DIGEST_A, 9, projector));
    put_manifest("hf.co/org/Name-GGUF/Q4_K_M", good);
    put_manifest(
        "registry.ollama.ai/library/gone/latest",
        manifest("dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", 9, ""));
    put_manifest("registry.ollama.ai/library/broken/latest", "{\"layers\":");
    const struct listed l = list_with(NULL);
    assert_int_equal(l.count, 6);
    const struct stored *s = named(&l, "ollama:llama3.2:3b");
    assert_string_equal(s->store, "Ollama");
    assert_string_equal(s->path, at(OLLAMA "blobs/sha256-" DIGEST_A));
    assert_string_equal(s->quant, "Q4_K_M");
    assert_string_equal(s->architecture, "llama"); /* the header's word before the store's */
    assert_null(s->missing);
    assert_exactly(s->bytes, (double)n);
    double bytes = 0, shared = 0;
    for (size_t i = 0; i < l.count; i++) {
        bytes += l.item[i].bytes;
        shared += l.item[i].shared_bytes;
    }
    struct stat st;
    assert_int_equal(stat(at(OLLAMA "blobs/sha256-" DIGEST_B), &st), 0);
    assert_exactly(bytes - shared, (double)n + (double)st.st_size);
    assert_string_equal(named(&l, "ollama:someone/tuned:latest")->missing,
                        "its weights are not of the size it names");
    assert_string_equal(named(&l, "ollama:gone:latest")->missing, "its weights are not here");
    assert_string_equal(named(&l, "ollama:broken:latest")->missing, "its manifest cannot be used");
    assert_null(named(&l, "ollama:broken:latest")->format);

    const char *weights = at(OLLAMA "blobs/sha256-" DIGEST_A);
    for (size_t i = 0; i < l.count; i++)
        if (!l.item[i].missing) leads_to(l.item[i].name, weights);
    leads_to("ollama:llama3.2", weights);
    leads_to("ollama:hf.co/org/Name-GGUF:Q4_K_M", weights);
    leads_to("ollama:someone/tuned", weights);
    leads_to("ollama:registry.ollama.ai/library/llama3.2:3b", weights);
    assert_non_null(strstr(refused("ollama:gone", MU_NOINPUT), "unfinished ollama pull"));
    refused("ollama:broken", MU_DATA);
}

static bool reads(const char *text, struct ollama_manifest *m, struct mu_err *err)
{
    *err = (struct mu_err){.code = MU_OK};
    return ollama_manifest_read(str_of(text), "it", arena, m, err);
}

static void manifests_that_cannot_be_used(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } wrong[] = {
        {"", "it"},
        {"[]", "it lists no layers"},
        {"{\"layers\":{}}", "it lists no layers"},
        {"{\"layers\":[]}", "it names no model"},
        {"{\"layers\":[1,null,{},{\"mediaType\":5}]}", "it names no model"},
    };
    static const char *const digests[] = {
        "",
        "sha256:",
        "sha256:../../../../etc/passwd",
        ("sha256:" DIGEST_A "a"),
        ("md5:" DIGEST_A),
        "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/../"};
    struct ollama_manifest m;
    struct mu_err err;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_false(reads(wrong[i].text, &m, &err));
        assert_int_equal(err.code, MU_DATA);
        if (!strstr(err.text, wrong[i].why)) fail_msg("%s", err.text);
    }
    const char *layer = "{\"layers\":[{\"mediaType\":\"application/vnd.ollama.image.model\","
                        "\"digest\":\"%s\",\"size\":%s}]}";
    for (size_t i = 0; i < COUNT_OF(digests); i++) {
        struct buf b;
        buf_init(&b, 4096);
        const struct str tail = str_of(strstr(layer, "%s\",") + 2);
        buf_add(&b, (struct str){layer, (size_t)(tail.p - 2 - layer)});
        buf_format(&b, "%s\",\"size\":1}]}", digests[i]);
        assert_false(reads(b.p, &m, &err));
        if (!strstr(err.text, "digest is no SHA-256")) fail_msg("%s", err.text);
        buf_release(&b);
    }
    assert_false(reads(manifest(DIGEST_A, -1, ""), &m, &err));
    assert_string_equal(err.text, "cannot use it: a layer's size is impossible");
    assert_false(reads(manifest(DIGEST_A, 1e300, ""), &m, &err));
    assert_true(reads(manifest(DIGEST_A, 7, ""), &m, &err));
    assert_exactly(m.model.bytes, 7);
    assert_string_equal(m.config.digest, DIGEST_C);
    assert_null(m.adapter.digest);
    const char *whole = manifest(DIGEST_A, 7, "");
    for (size_t n = 0; n < strlen(whole); n++) {
        err = (struct mu_err){.code = MU_OK};
        assert_false(ollama_manifest_read((struct str){whole, n}, "it", arena, &m, &err));
        assert_int_equal(err.code, MU_DATA);
    }
}

static void a_huge_manifest_is_refused(void **state)
{
    home = *state;
    put_manifest("registry.ollama.ai/library/huge/latest", manifest(DIGEST_A, 1, ""));
    assert_int_equal(
        truncate(at(OLLAMA "manifests/registry.ollama.ai/library/huge/latest"), (off_t)1 << 40), 0);
    assert_non_null(strstr(refused("ollama:huge", MU_DATA), "too large for a manifest"));
    const struct listed l = list_with(NULL);
    assert_string_equal(named(&l, "ollama:huge:latest")->missing, "its manifest cannot be used");
}

static void loops_of_links_end(void **state)
{
    home = *state;
    put_gguf(".lmstudio/models/org/name/a-Q8_0.gguf", "llama", "model", 0);
    link_to("..", ".lmstudio/models/org/up");
    link_to(".", ".lmstudio/models/org/name/self");
    link_to("b.gguf", ".lmstudio/models/org/name/b.gguf");
    link_to("../gone.gguf", ".lmstudio/models/org/name/c.gguf");
    link_to("a-Q8_0.gguf", ".lmstudio/models/org/name/twin.gguf");
    link_to("name", ".lmstudio/models/org/same");
    assert_int_equal(mkfifo(at(".lmstudio/models/org/name/pipe.gguf"), 0600), 0);
    put(".lmstudio/models/org/name/text.gguf", "not one");
    make_folders(".lmstudio/models/org/name/folder.gguf/");
    const struct listed l = list_with(NULL);
    size_t twins = 0, dead = 0;
    for (size_t i = 0; i < l.count; i++) {
        twins += l.item[i].shared_bytes > 0;
        dead += !l.item[i].files;
    }
    assert_int_equal(twins, 1);
    assert_int_equal(dead, 4); /* b, c, the pipe, the folder */
    assert_int_equal(l.count, 7);
    assert_string_equal(named(&l, at(".lmstudio/models/org/name/text.gguf"))->missing,
                        "it does not begin as a GGUF file");
    leads_to("hf:org/name:Q8_0", at(".lmstudio/models/org/name/a-Q8_0.gguf"));
    leads_to("hf:org/name", at(".lmstudio/models/org/name/a-Q8_0.gguf"));
}

static void llama_cpp_keeps_files_in_two_ways(void **state)
{
    home = *state;
    put_gguf(".cache/llama.cpp/org_name_m-Q4_0.gguf", "llama", "model", 0);
    put(".cache/llama.cpp/org_name_n.gguf.downloadInProgress", "half");
    put(".cache/llama.cpp/models--org--new/refs/main", REVISION);
    put_gguf(".cache/llama.cpp/models--org--new/snapshots/" REVISION "/n-Q8_0.gguf", "qwen2",
             "adapter", 0);
    leads_to("hf:org/name:m-Q4_0.gguf", at(".cache/llama.cpp/org_name_m-Q4_0.gguf"));
    leads_to("hf:org/new",
             at(".cache/llama.cpp/models--org--new/snapshots/" REVISION "/n-Q8_0.gguf"));
    const struct listed l = list_with(NULL);
    assert_int_equal(l.count, 3);
    const struct stored *s = named(&l, "hf:org/new:n-Q8_0.gguf");
    assert_string_equal(s->store, "llama.cpp");
    assert_string_equal(s->role, "adapter");
    assert_string_equal(named(&l, at(".cache/llama.cpp/org_name_m-Q4_0.gguf"))->quant, "Q4_0");
}

/* A folder given is listed too; what a store has in it already is not listed again. */
static void folders_may_be_given(void **state)
{
    home = *state;
    put_gguf("mine/deep/a-Q4_0.gguf", "llama", "model", 0);
    put_gguf(".lmstudio/models/o/n/b.gguf", "llama", "model", 0);
    assert_int_equal(link(at("mine/deep/a-Q4_0.gguf"), at(".lmstudio/models/o/n/c.gguf")), 0);
    const char *const folders[] = {at("mine"), at("nowhere"), at("mine/deep"),
                                   at(".lmstudio/models/o"), NULL};
    const struct listed l = list_with(folders);
    assert_int_equal(l.count, 3);
    const struct stored *s = named(&l, at("mine/deep/a-Q4_0.gguf"));
    assert_string_equal(s->store, at("mine"));
    assert_exactly(s->shared_bytes, s->bytes);
}

static void thousands_are_listed_up_to_a_bound(void **state)
{
    home = *state;
    for (int i = 0; i < STORED_MOST + 100; i++)
        put_gguf(str_format(arena, ".lmstudio/models/org/n%d/%d-Q4_0.gguf", i % 64, i), "llama",
                 "model", 0);
    const struct listed l = list_with(NULL);
    assert_int_equal(l.count, STORED_MOST);
    assert_int_equal(l.notes.count, 1);
    assert_string_equal(l.notes.note[0],
                        "more models are installed than are looked at; the list is not whole");
}

static void impossible_splits_are_bounded(void **state)
{
    home = *state;
    put_gguf(".lmstudio/models/o/n/a-99999-of-99999.gguf", "llama", "model", 0);
    put_gguf(".lmstudio/models/o/n/b-00000-of-00000.gguf", "llama", "model", 0);
    put_gguf(".lmstudio/models/o/n/c-00003-of-00002.gguf", "llama", "model", 0);
    put_gguf(".lmstudio/models/o/n/-00001-of-00002.gguf", "llama", "model", 0);
    put(".lmstudio/models/o/n/m-00001-of-99999.safetensors", "1");
    const struct listed l = list_with(NULL);
    assert_int_equal(l.count, 5);
    assert_string_equal(named(&l, at(".lmstudio/models/o/n/a-99999-of-99999.gguf"))->missing,
                        "it calls itself part 99999 of 99999");
    assert_null(named(&l, at(".lmstudio/models/o/n/c-00003-of-00002.gguf"))->missing);
}

static size_t looks;

/* The C library's, counted. */
int stat(const char *path, struct stat *st)
{
    looks++;
    return fstatat(AT_FDCWD, path, st, 0);
}

/* How often a file is looked at until a name is resolved: as often among many as among few. */
static void a_name_among_thousands_takes_no_more_looks(void **state)
{
    enum { FEW = 3, MANY = 3000 };
    static const char *const operands[] = {"hf:org/name", "hf:org/name:Q4_K_M", "hf:org/name:Q6_K"};
    size_t few[COUNT_OF(operands)] = {0};
    home = *state;
    put(HUB "models--org--name/refs/main", REVISION);
    put(HUB "models--org--name/blobs/real", "GGUF");
    const char *snapshot = HUB "models--org--name/snapshots/" REVISION;
    link_to("../../blobs/real", str_format(arena, "%s/z-Q4_K_M.gguf", snapshot));
    put(str_format(arena, "%s/below/z-Q6_K.gguf", snapshot), "GGUF");
    for (size_t i = 0; i < MANY; i++) {
        for (size_t k = 0; i == FEW && k < COUNT_OF(operands); k++) {
            looks = 0;
            leads_to(operands[k], at(str_format(arena, "%s/%s", snapshot,
                                                k < 2 ? "z-Q4_K_M.gguf" : "below/z-Q6_K.gguf")));
            few[k] = looks;
        }
        link_to("../../blobs/real", str_format(arena, "%s/a-%zu.gguf", snapshot, i));
    }
    for (size_t k = 0; k < COUNT_OF(operands); k++) {
        looks = 0;
        leads_to(operands[k], at(str_format(arena, "%s/%s", snapshot,
                                            k < 2 ? "z-Q4_K_M.gguf" : "below/z-Q6_K.gguf")));
        assert_int_equal(looks, few[k]);
    }
    looks = 0;
    leads_to("hf:org/name:z-Q4_K_M.gguf", at(str_format(arena, "%s/z-Q4_K_M.gguf", snapshot)));
    assert_int_equal(looks, 1); /* they are counted at all */
}

/* What people link into such a folder may be folders. */
static void a_link_to_a_folder_is_looked_into(void **state)
{
    home = *state;
    put("elsewhere/m-Q4_K_M.gguf", "GGUF");
    make_folders(".lmstudio/models/org/name/");
    link_to("../../../../elsewhere", ".lmstudio/models/org/name/linked");
    leads_to("hf:org/name", at(".lmstudio/models/org/name/linked/m-Q4_K_M.gguf"));
    put(".lmstudio/models/org/name/own-Q4_K_M.gguf", "GGUF");
    leads_to("hf:org/name", at(".lmstudio/models/org/name/own-Q4_K_M.gguf"));
}

int main(void)
{
    if (open_catalog(NULL)) return 1;
    const struct CMUnitTest tests[] = {
        SCRATCHED(other_operands_are_handed_through),
        SCRATCHED(nothing_is_listed_of_nothing),
        SCRATCHED(the_hub_is_listed_by_its_snapshots),
        SCRATCHED(names_of_the_hub_lead_to_files),
        SCRATCHED(a_revision_leads_to_its_own_snapshot),
        SCRATCHED(split_files_are_one_model),
        SCRATCHED(safetensors_are_a_folder),
        SCRATCHED(names_do_not_leave_the_cache),
        SCRATCHED(what_is_not_here_is_said_with_where_it_is),
        SCRATCHED(ollamas_store_is_read_by_its_manifests),
        cmocka_unit_test(manifests_that_cannot_be_used),
        SCRATCHED(a_huge_manifest_is_refused),
        SCRATCHED(loops_of_links_end),
        SCRATCHED(llama_cpp_keeps_files_in_two_ways),
        SCRATCHED(folders_may_be_given),
        SCRATCHED(thousands_are_listed_up_to_a_bound),
        SCRATCHED(impossible_splits_are_bounded),
        SCRATCHED(a_name_among_thousands_takes_no_more_looks),
        SCRATCHED(a_link_to_a_folder_is_looked_into),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    close_catalog(NULL);
    return failed;
}
