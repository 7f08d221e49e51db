/* Saving: a whole new file or the whole old one, never something between, and no temporary left behind. */
#include "../scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/err.h"
#include "base/save.h"

static void assert_holds(void **state, const char *name, const char *text)
{
    char held[256] = "";
    const int fd = open(scratch_path(state, name), O_RDONLY);
    assert_true(fd >= 0);
    const ssize_t n = read(fd, held, sizeof held - 1);
    close(fd);
    assert_true(n >= 0);
    assert_string_equal(held, text);
}

static int entries(void **state)
{
    DIR *d = opendir(*state);
    int n = 0;
    while (readdir(d)) n++;
    closedir(d);
    return n - 2; /* . and .. */
}

static void new_and_old_files(void **state)
{
    struct mu_err err = {0};
    struct stat st;
    assert_true(save_file(scratch_path(state, "f"), S("one"), &err));
    assert_holds(state, "f", "one");
    assert_int_equal(chmod(scratch_path(state, "f"), 0640), 0);
    assert_true(save_file(scratch_path(state, "f"), S("two, longer"), &err));
    assert_holds(state, "f", "two, longer");
    assert_int_equal(stat(scratch_path(state, "f"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_true(save_file(scratch_path(state, "f"), S(""), &err));
    assert_holds(state, "f", "");
    assert_int_equal(entries(state), 1);
}

static void a_link_stays_a_link(void **state)
{
    struct mu_err err = {0};
    struct stat st;
    scratch_put(state, "target", "old");
    assert_int_equal(symlink("target", scratch_path(state, "link")), 0);
    assert_true(save_file(scratch_path(state, "link"), S("new"), &err));
    assert_holds(state, "target", "new");
    assert_int_equal(lstat(scratch_path(state, "link"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    static char large[100000];
    memset(large, 'x', sizeof large);
    scratch_put(state, "f", "old");
    /* In a child, because the limit cannot be raised again. A file size limit fails half-way, as a full disk does. */
    const pid_t pid = fork();
    if (pid == 0) {
        struct mu_err err = {0};
        const struct rlimit limit = {4096, 4096};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        const bool saved =
            save_file(scratch_path(state, "f"), (struct str){large, sizeof large}, &err);
        _exit(saved ? 1 : err.code != MU_IO ? 2 : !strstr(err.text, "cannot write") ? 3 : 42);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 42);
    assert_holds(state, "f", "old");
    assert_int_equal(entries(state), 1);
}

static void a_full_device_says_so(void **state)
{
    struct mu_err err = {0};
    struct stat st;
    if (access("/dev/full", W_OK)) scratch_folder(state, "full"); /* also not writable as a file */
    const char *full = access("/dev/full", W_OK) ? scratch_path(state, "full") : "/dev/full";
    assert_false(save_file(full, S("text"), &err));
    assert_int_equal(err.code, S_ISDIR(stat(full, &st) ? 0 : st.st_mode) ? MU_CANTCREATE : MU_IO);
    assert_non_null(strstr(err.text, full));
    err = (struct mu_err){0};
    assert_true(save_file("/dev/null", S("text"), &err)); /* written to, not replaced */
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
}

static void places_where_nothing_can_be_made(void **state)
{
    struct mu_err err = {0};
    assert_false(save_file(scratch_path(state, "no/such/folder/f"), S("x"), &err));
    assert_int_equal(err.code, MU_CANTCREATE);
    err = (struct mu_err){0};
    assert_false(save_file(*state, S("x"), &err));
    assert_int_equal(err.code, MU_CANTCREATE);
    assert_non_null(strstr(err.text, "it is a folder"));
    err = (struct mu_err){0};
    char path[5000];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_false(save_file(path, S("x"), &err));
    assert_int_equal(err.code, MU_CANTCREATE);
    assert_int_equal(entries(state), 0);
}

static void a_fifo_nobody_reads_is_not_waited_for(void **state)
{
    struct mu_err err = {0};
    assert_int_equal(mkfifo(scratch_path(state, "fifo"), 0600), 0);
    assert_false(save_file(scratch_path(state, "fifo"), S("text"), &err));
    assert_int_equal(err.code, MU_CANTCREATE);
    assert_non_null(strstr(err.text, "nobody reads"));
    const int reader = open(scratch_path(state, "fifo"), O_RDONLY | O_NONBLOCK);
    char held[8] = "";
    assert_true(save_file(scratch_path(state, "fifo"), S("text"), &err));
    assert_int_equal(read(reader, held, sizeof held - 1), 4);
    assert_string_equal(held, "text");
    close(reader);
    assert_int_equal(unlink(scratch_path(state, "fifo")), 0);
}

static void folders_are_made(void **state)
{
    struct mu_err err = {0};
    struct stat st;
    assert_true(save_folders(scratch_path(state, "a/b//c/"), &err));
    assert_true(save_folders(scratch_path(state, "a/b/c"), &err));
    assert_int_equal(stat(scratch_path(state, "a/b/c"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    scratch_put(state, "f", "");
    assert_false(save_folders(scratch_path(state, "f"), &err));
    assert_int_equal(err.code, MU_CANTCREATE);
    err = (struct mu_err){0};
    assert_false(save_folders(scratch_path(state, "f/g"), &err));
    assert_int_equal(err.code, MU_CANTCREATE);
}

#define IN_SCRATCH(test) SCRATCHED(test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(new_and_old_files),
        IN_SCRATCH(a_link_stays_a_link),
        IN_SCRATCH(a_full_disk_leaves_the_old_file),
        IN_SCRATCH(a_full_device_says_so),
        IN_SCRATCH(places_where_nothing_can_be_made),
        IN_SCRATCH(a_fifo_nobody_reads_is_not_waited_for),
        IN_SCRATCH(folders_are_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
