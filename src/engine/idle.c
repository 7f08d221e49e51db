/* engine/idle.c - whether other work ran while we measured, from four signs the kernel gives.
 *
 * Runnable tasks (the fourth field of /proc/loadavg) less our own, sampled before and between runs; CPU pressure (how long some task
 * waited for a CPU, /proc/pressure/cpu); time stolen by the hypervisor (/proc/stat); our own involuntary context switches
 * (getrusage). A sign the kernel doesn't give (no PSI, no /proc) is left out. Memory traffic of other virtual machines on the same
 * host can't be seen at all: it shows in the spread of the runs. The files are described in proc(5) and in the kernel's
 * Documentation/accounting/psi.rst. */
#include "engine/idle.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/num.h"

enum { SCRATCH_BYTES = 16 << 20 };

/* Above these a machine is called busy. One sign is enough, but switches count only where the kernel tells no pressure: reading a
 * disk makes some on a machine that is ours alone. */
static const double busy_others = 0.5, busy_pressure_share = 0.05, busy_stolen_share = 0.02,
                    busy_switches_per_s = 50;

/* The state letter of a thread stands after the name's closing parenthesis, which is the last one. */
static bool is_running(struct str stat)
{
    const char *close = memrchr(stat.p, ')', stat.n);
    return close && (size_t)(close - stat.p) + 2 < stat.n && close[2] == 'R';
}

static double own_running(const struct root *root, struct arena *a)
{
    const char *const *name;
    size_t count;
    double running = 0;
    if (!root_names(root, "/proc/self/task", a, &name, &count)) return 1;
    for (size_t i = 0; i < count; i++) {
        struct str stat;
        if (root_wordf(root, a, &stat, "/proc/self/task/%s/stat", name[i]) && is_running(stat))
            running++;
    }
    return running;
}

/* "0.48 0.19 0.07 2/96 5658": two of 96 tasks run or wait for a CPU, this one among them. */
static bool others_now(const struct root *root, struct arena *a, double *out)
{
    struct str text;
    double runnable;
    if (!root_word(root, "/proc/loadavg", a, &text)) return false;
    for (int field = 0; field < 3; field++) (void)str_cut(&text, ' ');
    if (!str_f64(str_cut(&text, '/'), &runnable)) return false;
    *out = most(runnable - own_running(root, a), 0);
    return true;
}

/* "some avg10=0.05 avg60=0.66 avg300=0.27 total=4192967": microseconds in all. Negative: not told. */
static double pressure_s(const struct root *root, struct arena *a)
{
    struct str text;
    double us;
    if (!root_word(root, "/proc/pressure/cpu", a, &text)) return -1;
    struct str line = str_line(&text);
    while (line.n) {
        const struct str word = str_cut(&line, ' ');
        const struct str key = S("total=");
        if (str_starts(word, key) && str_f64((struct str){word.p + key.n, word.n - key.n}, &us))
            return us / 1e6;
    }
    return -1;
}

/* "cpu  user nice system idle iowait irq softirq steal ...", in ticks, all CPUs together. */
static double stolen_s(const struct root *root, struct arena *a)
{
    enum { STEAL_FIELD = 8 };
    struct str text, word = {0};
    double ticks;
    if (!root_word(root, "/proc/stat", a, &text)) return -1;
    struct str line = str_line(&text);
    for (int field = 0; field <= STEAL_FIELD && line.p; field += word.n > 0)
        word = str_cut(&line, ' ');
    const double per_s = (double)sysconf(_SC_CLK_TCK);
    return str_f64(word, &ticks) && per_s > 0 ? ticks / per_s : -1;
}

static double switches(void)
{
    struct rusage use;
    return getrusage(RUSAGE_SELF, &use) == 0 ? (double)use.ru_nivcsw : 0;
}

void idle_start(struct idle *i)
{
    struct arena *scratch = arena_new(SCRATCH_BYTES);
    *i = (struct idle){.start_s = clock_s(), .pressure_start_s = -1, .stolen_start_s = -1};
    i->open = root_open(NULL, &i->root, NULL);
    if (i->open) {
        i->pressure_start_s = pressure_s(&i->root, scratch);
        i->stolen_start_s = stolen_s(&i->root, scratch);
    }
    i->switches_start = switches();
    arena_free(scratch);
    idle_sample(i);
}

void idle_sample(struct idle *i)
{
    struct arena *scratch = arena_new(SCRATCH_BYTES);
    double others;
    if (i->open && others_now(&i->root, scratch, &others)) {
        i->others += others;
        i->samples++;
    }
    arena_free(scratch);
}

/* Adds ", " and the words of one sign. */
static const char *sign(struct arena *a, const char *so_far, const char *words)
{
    return *so_far ? str_format(a, "%s, %s", so_far, words) : words;
}

struct signs {
    double others, pressure_share, stolen_share, switches_per_s;
    bool pressure_told;
};

/* Leaves *i closed. */
static struct signs signs_of(struct idle *i, double threads, struct arena *a)
{
    const double seconds = most(clock_s() - i->start_s, 1e-3);
    struct signs s = {.others = i->samples > 0 ? i->others / i->samples : 0};
    s.switches_per_s = (switches() - i->switches_start) / seconds / most(threads, 1);
    s.pressure_told = i->pressure_start_s >= 0;
    if (s.pressure_told)
        s.pressure_share =
            least(most(pressure_s(&i->root, a) - i->pressure_start_s, 0) / seconds, 1);
    if (i->stolen_start_s >= 0)
        s.stolen_share =
            most(stolen_s(&i->root, a) - i->stolen_start_s, 0) / seconds / most(threads, 1);
    if (i->open) root_close(&i->root);
    i->open = false;
    return s;
}

static bool busy(struct signs s)
{
    return s.others > busy_others || s.pressure_share > busy_pressure_share ||
           s.stolen_share > busy_stolen_share ||
           (!s.pressure_told && s.switches_per_s > busy_switches_per_s);
}

const char *idle_words(struct idle *i, double threads, struct arena *a)
{
    const struct signs s = signs_of(i, threads, a);
    if (!busy(s)) return "idle";
    const char *text = "";
    if (s.others >= 0.05) text = sign(a, text, str_format(a, "%.1f runnable", s.others));
    if (s.pressure_share >= 0.005)
        text = sign(a, text, str_format(a, "PSI cpu %.0f %%", 100 * s.pressure_share));
    if (s.stolen_share >= 0.005)
        text = sign(a, text, str_format(a, "%.0f %% of the CPU stolen", 100 * s.stolen_share));
    if (s.switches_per_s >= 1)
        text = sign(a, text, str_format(a, "%.0f involuntary switches a second", s.switches_per_s));
    return str_format(a, "busy: %s", text);
}
