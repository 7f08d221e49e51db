/* Which system runs here: distribution, kernel, architecture, host name, machine id, and the Python that the guide's script would use.
 *
 * From os-release(5), /proc/sys/kernel and machine-id(5). The architecture of a captured tree comes from the kernel's own file (Linux
 * 6.1 and newer) or from the manner in which /proc/cpuinfo is written, never from the kernel that runs us. Python is asked only on
 * the live machine. Virtual machines, containers and WSL: probe_virtual.c. */
#include "base/arena.h"
#include "base/child.h"
#include "base/err.h"
#include "base/root.h"
#include "machine/probe.h"
#include "machine/probe_virtual.h"

#include <sys/utsname.h>

enum { PYTHON_VERSION_MOST = 1024 };
static const double python_timeout_s = 2;

static const char *word_of(const struct looking *in, const char *const *paths, size_t n)
{
    struct str word;
    for (size_t i = 0; i < n; i++)
        if (root_word(in->root, paths[i], in->arena, &word) && word.n)
            return str_copy(in->arena, word);
    return NULL;
}

/* A value of os-release: quotes off, the shell's backslash escapes taken back. */
static const char *unquoted(struct arena *a, struct str value)
{
    const struct str s = str_trim(value);
    const char quote =
        s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0] ? s.p[0] : 0;
    char *out = NEW_ARRAY(a, char, s.n + 1);
    size_t n = 0;
    const size_t end = quote ? s.n - 1 : s.n;
    for (size_t i = quote ? 1 : 0; i < end; i++) {
        if (quote != '\'' && s.p[i] == '\\' && i + 1 < end) i++;
        out[n++] = s.p[i];
    }
    return n ? out : NULL;
}

static const char *distribution(const struct looking *in)
{
    static const char *const paths[] = {"/etc/os-release", "/usr/lib/os-release"};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct str rest;
        const char *name = NULL;
        if (!root_text(in->root, paths[i], in->arena, &rest)) continue;
        while (rest.n) {
            struct str value = str_line(&rest);
            const struct str key = str_trim(str_cut(&value, '='));
            if (str_is(key, "PRETTY_NAME")) return unquoted(in->arena, value);
            if (str_is(key, "NAME")) name = unquoted(in->arena, value);
        }
        if (name) return name;
    }
    return NULL;
}

/* "Linux version 6.1.0-18-amd64 (...)" */
static const char *kernel(const struct looking *in)
{
    struct str text;
    if (root_word(in->root, "/proc/sys/kernel/osrelease", in->arena, &text) && text.n)
        return str_copy(in->arena, text);
    if (!root_word(in->root, "/proc/version", in->arena, &text)) return NULL;
    const struct str lead = S("Linux version ");
    if (!str_starts(text, lead)) return NULL;
    text.p += lead.n;
    text.n -= lead.n;
    return str_copy(in->arena, str_cut(&text, ' '));
}

/* How an architecture's kernel writes /proc/cpuinfo: a key, and a word among its value (NULL: any). The first row that fits decides.
 * Source: arch/.../kernel of Linux, show_cpuinfo(). */
static const struct {
    const char *key, *word, *architecture;
} manners[] = {
    {"flags", "lm", "x86_64"},
    {"flags", "fpu", "i686"},
    {"Features", "asimd", "aarch64"},
    {"Features", "fp", "aarch64"},
    {"Features", "half", "armv7l"},
    {"CPU architecture", "7", "armv7l"},
    {"isa", "rv64", "riscv64"},
    {"isa", "rv32", "riscv32"},
    {"vendor_id", "IBM/S390", "s390x"},
    {"revision", "(pvr", "ppc64le"},
    {"ISA", "loongarch64", "loongarch64"},
};

static bool has_word(struct str value, const char *word)
{
    while (value.n) {
        const struct str part = str_cut(&value, ' ');
        /* an instruction set is one word of many letters: "rv64imafdc" */
        if (str_is(part, word) ||
            (str_starts(str_of(word), S("rv")) && str_starts(part, str_of(word))))
            return true;
    }
    return false;
}

static const char *manner_of(struct str cpuinfo)
{
    size_t best = COUNT_OF(manners);
    while (cpuinfo.n) {
        struct str value = str_line(&cpuinfo);
        const struct str key = str_trim(str_cut(&value, ':'));
        for (size_t i = 0; i < best; i++)
            if (str_is(key, manners[i].key) && has_word(value, manners[i].word)) best = i;
    }
    return best < COUNT_OF(manners) ? manners[best].architecture : NULL;
}

static const char *architecture(const struct looking *in)
{
    struct str text;
    struct utsname name;
    if (!in->root->captured && uname(&name) == 0) return str_copy(in->arena, str_of(name.machine));
    if (root_word(in->root, "/proc/sys/kernel/arch", in->arena, &text) && text.n)
        return str_copy(in->arena, text);
    if (root_text(in->root, "/proc/cpuinfo", in->arena, &text)) return manner_of(text);
    return NULL;
}

/* sys.version may hold a line break, which line() takes away and we put back. */
static bool python_line(void *to, struct str line)
{
    struct buf *text = to;
    if (text->n) buf_char(text, '\n');
    buf_add(text, line);
    return !text->over;
}

static const char *python_version(const struct looking *in)
{
    const char *path_list = in->env && !in->root->captured ? in->env("PATH") : NULL;
    const char *python = path_list ? child_find(str_of(path_list), "python3", in->arena) : NULL;
    if (!python) return NULL;
    static const char program[] = "import sys; sys.stdout.write(sys.version)";
    /* -I -S: nothing of the user's, and no site module, which is what takes the time */
    const char *const argv[] = {python, "-I", "-S", "-c", program, NULL};
    struct buf text;
    struct child_end end;
    buf_init(&text, PYTHON_VERSION_MOST);
    const struct child c = {.path = python,
                            .argv = argv,
                            .timeout_s = python_timeout_s,
                            .line = python_line,
                            .to = &text};
    const bool ran = child_run(&c, in->arena, &end, NULL);
    const bool good = ran && end.fate == CHILD_EXITED && end.status == 0 && text.n && !text.over;
    const char *version = good ? str_copy(in->arena, buf_text(&text)) : NULL;
    buf_release(&text);
    return version;
}

static void finds(const struct looking *in, struct draft *out)
{
    static const char *const hostname[] = {"/proc/sys/kernel/hostname", "/etc/hostname"};
    static const char *const machine_id[] = {"/etc/machine-id", "/var/lib/dbus/machine-id"};
    struct os_facts *os = &out->facts.os;
    os->platform = "Linux";
    os->distribution = distribution(in);
    os->kernel = kernel(in);
    os->architecture = architecture(in);
    os->hostname = word_of(in, hostname, COUNT_OF(hostname));
    os->machine_id = word_of(in, machine_id, COUNT_OF(machine_id));
    os->python_version = python_version(in);
    probe_virtual(in, os);
}

const struct probe probe_os = {"os", "distribution, kernel, architecture, host name, Python",
                               finds};
