/* base/child.c - runs another program and watches it from outside: its lines, its time, its memory, its end.
 *
 * fork(2) and at once execve(2), with only async-signal-safe calls between, so that threads do not matter; a pipe that closes on exec
 * tells whether it started. The child dies with us (PR_SET_PDEATHSIG). Its memory is read from /proc every 50 ms and not limited by
 * setrlimit, under which some numeric libraries spin for ever instead of failing (docs/design). SIGINT and SIGTERM that reach this
 * thread are held back, passed on, and delivered again once the child is gone; a child that ignores them is killed 2 s later. Only
 * the child itself is killed, not what it may have started. */
#include "base/child.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TALK_BYTES = 4096, LINE_MOST = 1 << 20, READ_BYTES = 65536, TICK_MS = 50, REAP_MS = 2 };
static const double grace_s = 2;

enum { TO_CHILD, FROM_CHILD, TALK, STARTED, PIPES };
enum { READ_END, WRITE_END };

struct run {
    const struct child *c;
    struct arena *a;
    int pipe[PIPES][2];
    int signals; /* a signalfd */
    sigset_t mask_before;
    bool sigpipe_before; /* pending before we began: not ours to swallow */
    pid_t pid;
    double started_s, killed_by_signal_at_s;
    int passed_on; /* the signal that reached us, 0: none */
    enum child_fate fate;
    bool killed, gone;
    struct str input;
    struct buf line;
    bool past_most; /* in the rest of a line that was given already */
    char talk[2 * TALK_BYTES];
    size_t talk_n;
    int wait_status;
    double peak_bytes;
};

static void shut(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static void shut_all(struct run *r)
{
    for (int i = 0; i < PIPES; i++) {
        shut(&r->pipe[i][READ_END]);
        shut(&r->pipe[i][WRITE_END]);
    }
    shut(&r->signals);
}

static bool open_pipes(struct run *r)
{
    r->signals = -1;
    for (int i = 0; i < PIPES; i++) r->pipe[i][READ_END] = r->pipe[i][WRITE_END] = -1;
    for (int i = 0; i < PIPES; i++)
        if (pipe2(r->pipe[i], O_CLOEXEC)) return false;
    fcntl(r->pipe[TO_CHILD][WRITE_END], F_SETFL, O_NONBLOCK);
    fcntl(r->pipe[FROM_CHILD][READ_END], F_SETFL, O_NONBLOCK);
    fcntl(r->pipe[TALK][READ_END], F_SETFL, O_NONBLOCK);
    return true;
}

/* From here on SIGINT and SIGTERM come through r->signals, and SIGPIPE not at all. Where whoever started us left SIGCHLD ignored, the
 * kernel would throw away how a child ended, so that is put right for good. */
static bool hold_signals(struct run *r)
{
    struct sigaction inherited;
    if (!sigaction(SIGCHLD, NULL, &inherited) && inherited.sa_handler == SIG_IGN)
        signal(SIGCHLD, SIG_DFL);
    sigset_t held;
    sigset_t pending;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    r->signals = signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
    if (r->signals < 0) return false;
    sigaddset(&held, SIGPIPE);
    sigpending(&pending);
    r->sigpipe_before = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &held, &r->mask_before);
    return true;
}

static void release_signals(const struct run *r)
{
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    const struct timespec now = {0, 0};
    if (!r->sigpipe_before) (void)sigtimedwait(&pipe_only, NULL, &now);
    if (r->passed_on) raise(r->passed_on); /* delivered when the mask is put back */
    pthread_sigmask(SIG_SETMASK, &r->mask_before, NULL);
}

/* In the child, between fork and exec: nothing here may allocate or lock. */
NORETURN static void become(const struct run *r, pid_t parent)
{
    int fault = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(err_exit_status(MU_INTERNAL)); /* it died before the line above */
    signal(SIGPIPE, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &r->mask_before, NULL);
    if (r->c->file > STDERR_FILENO) fcntl(r->c->file, F_SETFD, 0);
    if (dup2(r->pipe[TO_CHILD][READ_END], STDIN_FILENO) < 0 ||
        dup2(r->pipe[FROM_CHILD][WRITE_END], STDOUT_FILENO) < 0 ||
        dup2(r->pipe[TALK][WRITE_END], STDERR_FILENO) < 0) {
        fault = errno;
    } else {
        /* execv takes its arguments as writable for historical reasons (POSIX, exec, rationale) */
        execv(r->c->path, (char *const *)(uintptr_t)r->c->argv);
        fault = errno;
    }
    const ssize_t told = write(r->pipe[STARTED][WRITE_END], &fault, sizeof fault);
    (void)told;
    _exit(127);
}

static bool start(struct run *r)
{
    const pid_t self = getpid();
    r->started_s = clock_s();
    r->pid = fork();
    if (r->pid < 0) return false;
    if (r->pid == 0) become(r, self);
    shut(&r->pipe[TO_CHILD][READ_END]);
    shut(&r->pipe[FROM_CHILD][WRITE_END]);
    shut(&r->pipe[TALK][WRITE_END]);
    shut(&r->pipe[STARTED][WRITE_END]);
    int fault = 0;
    ssize_t n;
    do n = read(r->pipe[STARTED][READ_END], &fault, sizeof fault);
    while (n < 0 && errno == EINTR);
    if (n <= 0) return true; /* closed by exec: it runs */
    while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR) continue;
    errno = fault;
    return false;
}

static void end_child(struct run *r, enum child_fate fate)
{
    if (r->killed || r->gone) return;
    r->killed = true;
    r->fate = fate;
    kill(r->pid, SIGKILL);
}

static void feed(struct run *r)
{
    int *fd = &r->pipe[TO_CHILD][WRITE_END];
    if (*fd < 0) return;
    while (r->input.n) {
        const ssize_t n = write(*fd, r->input.p, r->input.n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0) break; /* it does not want the rest */
        r->input.p += n;
        r->input.n -= (size_t)n;
    }
    shut(fd);
}

static void give_line(struct run *r)
{
    struct str line = buf_text(&r->line);
    if (line.n && line.p[line.n - 1] == '\r') line.n--;
    if (r->c->line && !r->killed && !r->c->line(r->c->to, line)) end_child(r, CHILD_STOPPED);
    r->line.n = 0;
    r->line.over = false;
}

static void take_output(struct run *r, struct str part)
{
    while (part.n) {
        const char *end = memchr(part.p, '\n', part.n);
        const size_t n = end ? (size_t)(end - part.p) : part.n;
        if (!r->past_most) buf_add(&r->line, (struct str){part.p, n});
        /* A line past the most is given as it is, so that one without an end is refused and not waited for. */
        const bool cut = r->line.over;
        if (cut || (end && !r->past_most)) give_line(r);
        r->past_most = !end && (cut || r->past_most);
        const size_t used = end ? n + 1 : n;
        part.p += used;
        part.n -= used;
    }
}

static void take_talk(struct run *r, struct str part)
{
    while (part.n) {
        if (r->talk_n == sizeof r->talk) {
            memmove(r->talk, r->talk + TALK_BYTES, TALK_BYTES);
            r->talk_n = TALK_BYTES;
        }
        const size_t room = sizeof r->talk - r->talk_n;
        const size_t n = part.n < room ? part.n : room;
        memcpy(r->talk + r->talk_n, part.p, n);
        r->talk_n += n;
        part.p += n;
        part.n -= n;
    }
}

/* Reads what is there, at most once round; closes the pipe at its end. */
static void drain(struct run *r, int which)
{
    int *fd = &r->pipe[which][READ_END];
    char part[READ_BYTES];
    if (*fd < 0) return;
    const ssize_t n = read(*fd, part, sizeof part);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n <= 0) {
        shut(fd);
        return;
    }
    const struct str text = {part, (size_t)n};
    if (which == TALK)
        take_talk(r, text);
    else
        take_output(r, text);
}

/* What a pipe still holds when the child is gone; a grandchild may keep it open, so not until its end, and not for ever. */
static void drain_rest(struct run *r, int which)
{
    for (int i = 0; i < 64 && r->pipe[which][READ_END] >= 0; i++) {
        struct pollfd p = {.fd = r->pipe[which][READ_END], .events = POLLIN};
        if (poll(&p, 1, 0) <= 0) return;
        drain(r, which);
    }
}

static void watch_memory(struct run *r)
{
    char path[64];
    char text[128];
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)r->pid);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    const ssize_t n = read(fd, text, sizeof text);
    close(fd);
    struct str rest = {text, n > 0 ? (size_t)n : 0};
    uint64_t pages;
    (void)str_cut(&rest, ' '); /* the first figure is the size of its address space */
    if (!str_u64(str_cut(&rest, ' '), &pages)) return;
    const double bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);
    if (bytes > r->peak_bytes) r->peak_bytes = bytes;
    if (r->c->memory_most_bytes > 0 && bytes > r->c->memory_most_bytes)
        end_child(r, CHILD_OVER_MEMORY);
}

static void pass_signals_on(struct run *r)
{
    struct signalfd_siginfo info;
    while (read(r->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (!r->passed_on) r->killed_by_signal_at_s = clock_s() + grace_s;
        r->passed_on = (int)info.ssi_signo;
        if (!r->gone) kill(r->pid, r->passed_on);
    }
}

static bool reap(struct run *r, int parent_kb)
{
    struct rusage usage;
    const pid_t pid = wait4(r->pid, &r->wait_status, WNOHANG, &usage);
    if (pid == 0 || (pid < 0 && errno == EINTR)) return false;
    r->gone = true;
    /* The kernel counts what we held at the fork too, so only a figure above ours is surely the child's own. */
    const double most_bytes = 1024.0 * (double)usage.ru_maxrss;
    if (pid > 0 && usage.ru_maxrss > parent_kb && most_bytes > r->peak_bytes)
        r->peak_bytes = most_bytes;
    return true;
}

static void wait_once(struct run *r)
{
    struct pollfd p[] = {
        {.fd = r->pipe[TO_CHILD][WRITE_END], .events = POLLOUT},
        {.fd = r->pipe[FROM_CHILD][READ_END], .events = POLLIN},
        {.fd = r->pipe[TALK][READ_END], .events = POLLIN},
        {.fd = r->signals, .events = POLLIN},
    };
    /* Both outputs closed: the end is near, and only waiting tells. */
    const bool ending = p[1].fd < 0 && p[2].fd < 0;
    if (poll(p, COUNT_OF(p), ending ? REAP_MS : TICK_MS) <= 0) return;
    if (p[0].revents) feed(r);
    if (p[1].revents) drain(r, FROM_CHILD);
    if (p[2].revents) drain(r, TALK);
    if (p[3].revents) pass_signals_on(r);
}

static void watch(struct run *r, int parent_kb)
{
    double look_s = 0;
    feed(r);
    while (!reap(r, parent_kb)) {
        const double now_s = clock_s();
        if (now_s >= look_s) {
            watch_memory(r);
            look_s = now_s + TICK_MS / 1000.0;
        }
        if (now_s - r->started_s > r->c->timeout_s) end_child(r, CHILD_TIMED_OUT);
        if (r->passed_on && now_s > r->killed_by_signal_at_s) end_child(r, CHILD_SIGNALLED);
        wait_once(r);
    }
    drain_rest(r, FROM_CHILD);
    drain_rest(r, TALK);
    if (r->line.n) give_line(r);
}

static const char *sentence_of(const struct run *r, const struct child_end *end)
{
    switch (end->fate) {
    case CHILD_EXITED:
        if (end->status == 0) return "ended well";
        return str_format(r->a, "ended with status %d", end->status);
    case CHILD_SIGNALLED: {
        const char *words = child_signal_words(end->status);
        if (!*words) return str_format(r->a, "was killed by %s", child_signal_name(end->status));
        return str_format(r->a, "was killed by %s (%s)", child_signal_name(end->status), words);
    }
    case CHILD_TIMED_OUT:
        return str_format(r->a, "did not end within %s and was killed",
                          units_seconds(r->a, r->c->timeout_s));
    case CHILD_OVER_MEMORY:
        return str_format(r->a, "used %s of memory, more than the %s it may, and was killed",
                          units_bytes(r->a, r->peak_bytes),
                          units_bytes(r->a, r->c->memory_most_bytes));
    case CHILD_STOPPED: return "was stopped, having said enough";
    }
    return "";
}

/* The last 4 KiB, line by line, so that its line breaks survive being made visible. */
static struct str talk_of(const struct run *r)
{
    const size_t n = r->talk_n < TALK_BYTES ? r->talk_n : TALK_BYTES;
    struct str rest = str_trim((struct str){r->talk + (r->talk_n - n), n});
    struct buf b;
    buf_init(&b, (size_t)8 * TALK_BYTES);
    while (rest.p && rest.n) {
        if (b.n) buf_char(&b, '\n');
        buf_visible(&b, str_line(&rest));
    }
    const struct str all = {str_copy(r->a, buf_text(&b)), b.n};
    buf_release(&b);
    return all;
}

static void report(const struct run *r, struct child_end *out)
{
    struct child_end end = {.seconds = clock_s() - r->started_s, .peak_bytes = r->peak_bytes};
    const bool signalled = WIFSIGNALED(r->wait_status);
    end.status = signalled ? WTERMSIG(r->wait_status) : WEXITSTATUS(r->wait_status);
    end.fate = signalled ? CHILD_SIGNALLED : CHILD_EXITED;
    /* It may have ended by itself just before we killed it. */
    if (r->killed && (signalled || r->fate == CHILD_STOPPED)) end.fate = r->fate;
    end.sentence = sentence_of(r, &end);
    end.talk = talk_of(r);
    *out = end;
}

bool child_run(const struct child *c, struct arena *a, struct child_end *out, struct mu_err *err)
{
    struct run *r = NEW(a, struct run);
    r->c = c;
    r->a = a;
    r->input = c->input;
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    if (!open_pipes(r) || !hold_signals(r)) {
        err_errno(err, "cannot prepare to run %s", c->path);
        shut_all(r);
        return false;
    }
    const bool runs = start(r);
    if (!runs) {
        err_errno(err, "cannot run %s", c->path);
    } else {
        buf_init(&r->line, LINE_MOST);
        watch(r, (int)usage.ru_maxrss);
        buf_release(&r->line);
        report(r, out);
    }
    shut_all(r);
    release_signals(r);
    return runs;
}

static bool executable(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

const char *child_find(struct str path_list, const char *name, struct arena *a)
{
    if (!*name || strchr(name, '/')) return NULL;
    while (path_list.p) {
        const struct str folder = str_cut(&path_list, ':');
        if (!folder.n || folder.p[0] != '/') continue; /* never a program of the current folder */
        const char *path = str_format(a, "%.*s/%s", STR_ARG(folder), name);
        if (executable(path)) return path;
    }
    return NULL;
}
