/* Children: what they say, how they end, and every way of not letting them hold us up. /bin/sh plays the child. */
#include "../scratch.h"
#include "../shared_arena.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"

struct heard {
    struct buf text;
    size_t lines, stop_after, longest;
};

static bool hear(void *to, struct str line)
{
    struct heard *h = to;
    h->lines++;
    if (line.n > h->longest) h->longest = line.n;
    buf_add(&h->text, line);
    buf_char(&h->text, '|');
    return h->lines != h->stop_after;
}

static struct child_end ran(struct child c, const char *script)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    struct child_end end;
    struct mu_err err = {0};
    c.path = "/bin/sh";
    c.argv = argv;
    if (!child_run(&c, a, &end, &err)) fail_msg("%s", err.text);
    return end;
}

static const struct child usual = {.timeout_s = 20};

static void lines_input_and_talk(void **state)
{
    (void)state;
    struct heard h = {0};
    buf_init(&h.text, 4096);
    struct child c = usual;
    c.input = S("from us\n");
    c.line = hear;
    c.to = &h;
    const struct child_end end =
        ran(c, "read x; echo \"got $x\"; echo; printf 'crlf\\r\\n'; echo 'oh\033[2J' >&2; "
               "echo dear >&2; printf last");
    assert_int_equal(end.fate, CHILD_EXITED);
    assert_int_equal(end.status, 0);
    assert_string_equal(end.sentence, "ended well");
    assert_string_equal(h.text.p, "got from us||crlf|last|");
    assert_string_equal(end.talk.p, "oh\\x1b[2J\ndear");
    assert_true(end.seconds > 0);
    buf_release(&h.text);
}

static void ends_are_facts(void **state)
{
    (void)state;
    struct child_end end = ran(usual, "exit 3");
    assert_int_equal(end.fate, CHILD_EXITED);
    assert_int_equal(end.status, 3);
    assert_string_equal(end.sentence, "ended with status 3");
    end = ran(usual, "kill -ILL $$");
    assert_int_equal(end.fate, CHILD_SIGNALLED);
    assert_int_equal(end.status, SIGILL);
    assert_string_equal(end.sentence, "was killed by SIGILL (illegal instruction)");
    end = ran(usual, "kill -40 $$");
    assert_string_equal(end.sentence, "was killed by signal 40");
    assert_string_equal(child_signal_name(SIGSEGV), "SIGSEGV");
    assert_string_equal(child_signal_name(64), "signal 64");
    assert_string_equal(child_signal_name(-1), "an unknown signal");
    assert_string_equal(child_signal_words(64), "");
}

static void an_ignored_sigchld_hides_nothing(void **state)
{
    (void)state;
    signal(SIGCHLD, SIG_IGN);
    const struct child_end end = ran(usual, "exit 3");
    signal(SIGCHLD, SIG_DFL);
    assert_int_equal(end.status, 3);
}

static void programs_that_are_not_there(void **state)
{
    (void)state;
    const char *const argv[] = {"x", NULL};
    struct child_end end;
    struct mu_err err = {0};
    struct child c = usual;
    c.path = "/no/such/program";
    c.argv = argv;
    assert_false(child_run(&c, a, &end, &err));
    assert_string_equal(err.text, "cannot run /no/such/program: No such file or directory");
    assert_int_equal(err.code, MU_NOINPUT);
    err = (struct mu_err){0};
    c.path = "/etc";
    assert_false(child_run(&c, a, &end, &err));
    assert_int_equal(err.code, MU_PERMISSION);
}

static void a_child_that_hangs_is_killed(void **state)
{
    (void)state;
    struct child c = usual;
    c.timeout_s = 0.1;
    const struct child_end end = ran(c, "trap '' TERM INT; exec sleep 30");
    assert_int_equal(end.fate, CHILD_TIMED_OUT);
    assert_int_equal(end.status, SIGKILL);
    assert_string_equal(end.sentence, "did not end within 100 ms and was killed");
    assert_true(end.seconds < 10);
}

static void a_grandchild_does_not_hold_us_up(void **state)
{
    (void)state;
    const struct child_end end = ran(usual, "sleep 3 & echo done");
    assert_int_equal(end.fate, CHILD_EXITED);
    assert_true(end.seconds < 2.5);
}

static void too_much_memory_is_killed(void **state)
{
    (void)state;
    struct child c = usual;
    c.memory_most_bytes = 8 << 20;
    const struct child_end end =
        ran(c, "x=0123456789abcdef; i=0; while [ $i -lt 22 ]; do x=$x$x; i=$((i + 1)); "
               "done; while :; do :; done");
    assert_int_equal(end.fate, CHILD_OVER_MEMORY);
    assert_true(end.peak_bytes > c.memory_most_bytes);
    assert_non_null(strstr(end.sentence, "more than the 8.00 MiB it may"));
}

static void we_may_stop_it(void **state)
{
    (void)state;
    struct heard h = {.stop_after = 3};
    buf_init(&h.text, 4096);
    struct child c = usual;
    c.line = hear;
    c.to = &h;
    const struct child_end end = ran(c, "while :; do echo y; done");
    assert_int_equal(end.fate, CHILD_STOPPED);
    assert_int_equal(h.lines, 3);
    buf_release(&h.text);
}

static void floods_are_bounded(void **state)
{
    (void)state;
    struct heard h = {0};
    buf_init(&h.text, 100);
    struct child c = usual;
    c.line = hear;
    c.to = &h;
    const struct child_end end = ran(c, "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end; "
                                        "head -c 100000 /dev/zero | tr '\\0' e >&2; echo last >&2");
    assert_int_equal(end.status, 0);
    assert_int_equal(h.lines, 2);
    assert_int_equal(h.longest, 1 << 20);
    assert_true(end.talk.n <= 4096);
    assert_true(str_ends(end.talk, S("eelast")));
    buf_release(&h.text);
}

static void input_nobody_reads(void **state)
{
    (void)state;
    static char input[1 << 20];
    memset(input, 'i', sizeof input);
    struct child c = usual;
    c.input = (struct str){input, sizeof input};
    assert_int_equal(ran(c, "exit 0").status, 0); /* and no SIGPIPE for us */
    assert_int_equal(ran(c, "exec <&-; sleep 0.1; exit 5").status, 5);
    struct heard h = {0};
    buf_init(&h.text, 100);
    c.line = hear;
    c.to = &h;
    assert_int_equal(ran(c, "wc -c").status, 0);
    assert_string_equal(h.text.p, "1048576|");
    buf_release(&h.text);
}

/* A process of ours that waits for a child; `script` says the child's own process id on its way. */
static pid_t waiting(const char *script, pid_t *grandchild)
{
    int said[2];
    assert_int_equal(pipe(said), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        const char *const argv[] = {"sh", "-c", script, NULL};
        struct child c = {.path = "/bin/sh", .argv = argv, .timeout_s = 30};
        struct child_end end;
        struct mu_err err = {0};
        dup2(said[1], 9);
        const bool runs = child_run(&c, arena_new(1 << 20), &end, &err);
        _exit(runs ? 0 : 1);
    }
    char text[32] = "";
    close(said[1]);
    assert_true(read(said[0], text, sizeof text - 1) > 0);
    close(said[0]);
    *grandchild = (pid_t)strtol(text, NULL, 10);
    assert_true(*grandchild > 0);
    return pid;
}

/* Gone, or dead and waiting for whoever inherited it to take note. */
static bool dead(pid_t pid)
{
    char path[64];
    char text[256] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    const int fd = open(path, O_RDONLY);
    if (fd < 0) return true;
    const ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    return n <= 0 || strstr(text, ") Z ");
}

static bool dead_soon(pid_t pid)
{
    const double until_s = clock_s() + 5;
    while (clock_s() < until_s) {
        if (dead(pid)) return true;
        usleep(2000);
    }
    return false;
}

static void signals_are_passed_on_and_waited_for(void **state)
{
    (void)state;
    static const int signals[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        pid_t grandchild = 0;
        int status = 0;
        const pid_t pid = waiting("echo $$ >&9; exec 9>&-; exec sleep 30", &grandchild);
        assert_int_equal(kill(pid, signals[i]), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), signals[i]); /* it reached us once the child was gone */
        assert_int_equal(kill(grandchild, 0), -1);      /* reaped, not left behind */
    }
}

static void a_child_dies_with_us(void **state)
{
    (void)state;
    pid_t grandchild = 0;
    int status = 0;
    const pid_t pid = waiting("echo $$ >&9; exec 9>&-; exec sleep 30", &grandchild);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(dead_soon(grandchild));
}

static void programs_are_found_by_name(void **state)
{
    scratch_folder(state, "one");
    scratch_folder(state, "two");
    scratch_folder(state, "one/tool"); /* a folder is no program */
    scratch_put(state, "two/tool", "#!/bin/sh\n");
    scratch_put(state, "one/text", "not executable");
    assert_int_equal(chmod(scratch_path(state, "two/tool"), 0755), 0);
    assert_int_equal(chmod(scratch_path(state, "one/text"), 0644), 0);
    const char *folders = *state;
    const struct str list = str_of(str_format(a, ":relative:%s/one:%s/two", folders, folders));
    assert_string_equal(child_find(list, "tool", a), scratch_path(state, "two/tool"));
    assert_null(child_find(list, "text", a));
    assert_null(child_find(list, "missing", a));
    assert_null(child_find(list, "../two/tool", a));
    assert_null(child_find(list, "", a));
    assert_null(child_find(S(""), "tool", a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_input_and_talk),
        cmocka_unit_test(ends_are_facts),
        cmocka_unit_test(an_ignored_sigchld_hides_nothing),
        cmocka_unit_test(programs_that_are_not_there),
        cmocka_unit_test(a_child_that_hangs_is_killed),
        cmocka_unit_test(a_grandchild_does_not_hold_us_up),
        cmocka_unit_test(too_much_memory_is_killed),
        cmocka_unit_test(we_may_stop_it),
        cmocka_unit_test(floods_are_bounded),
        cmocka_unit_test(input_nobody_reads),
        cmocka_unit_test(signals_are_passed_on_and_waited_for),
        cmocka_unit_test(a_child_dies_with_us),
        SCRATCHED(programs_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
