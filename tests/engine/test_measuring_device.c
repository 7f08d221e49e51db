/* tests/engine/test_measuring_device.c - measure_machine() with the real engine and an accelerator: llama.cpp's RPC server stands in for
 * the card, on which all works; and then it is gone.
 *
 * test_measuring_device ENGINE SERVER_PROGRAM. The engine is a script that adds the server's address to each request. */
#include "../unit/measure/rig.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "catalog/types.h"

static const char *engine, *program;
static struct gpu_seen card;

/* A port that nothing listens on. */
static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&at, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&at, &size), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static bool answers(int port)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons((uint16_t)port)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const bool good = connect(fd, (const struct sockaddr *)(const void *)&at, sizeof at) == 0;
    close(fd);
    return good;
}

static pid_t server_start(int port, struct arena *a)
{
    const char *number = str_format(a, "%d", port);
    const pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)) _exit(127);
        execl(program, program, "-t", "1", "-p", number, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 200 && !answers(port); i++) usleep(50000);
    return pid;
}

static void device_rig(struct rig *r, struct place place[2], struct pool pool[2], int port)
{
    rig_open(r);
    r->in.catalog = catalog_open(NULL, r->arena);
    r->in.disk_folder = NULL;
    card = (struct gpu_seen){.name = "stand-in", .engine = "RPC0", .processes = unknown(NULL)};
    place[0] = r->place;
    place[1] = (struct place){.kind = PLACE_GPU, .name = "stand-in", .pool = 1};
    pool[0] = r->pool;
    pool[1] = (struct pool){.kind = POOL_DEVICE, .name = "stand-in"};
    r->facts.gpu = &card;
    r->facts.gpus = 1;
    r->machine.place = place;
    r->machine.pool = pool;
    r->machine.places = r->machine.pools = 2;
    rig_engine(r,
               str_format(r->arena,
                          /* llama.cpp never frees what it keeps of a server */
                          "export ASAN_OPTIONS=detect_leaks=0\n"
                          "case $1 in\n"
                          "memory) exec '%s' $1;;\n"
                          "device) sed 's/^{/{\"server\": \"127.0.0.1:%d\", /' | exec '%s' $1;;\n"
                          "*) exit 64;; esac",
                          engine, port, engine));
}

static const struct machine *measured(struct rig *r)
{
    struct mu_err err = {0};
    struct measured found;
    if (!measure_machine(&r->in, &r->machine, MEASURE_USUAL, &found, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < r->notes.count; i++) print_message("note: %s\n", r->notes.note[i]);
    return measure_applied(&r->machine, &found, r->arena);
}

static void test_a_card(void **state)
{
    (void)state;
    struct rig r;
    struct place place[2];
    struct pool pool[2];
    const int port = free_port();
    device_rig(&r, place, pool, port);
    const pid_t server = server_start(port, r.arena);
    const struct machine *m = measured(&r);
    static const enum machine_work works[] = {WORK_READ_BYTES, WORK_MATMUL_FLOP, WORK_ATTEND_FLOP,
                                              WORK_OPERATIONS, WORK_ELEMENT_BYTES};
    for (size_t i = 0; i < COUNT_OF(works); i++) {
        const struct rate *rate = machine_place_rate(m, 1, works[i]);
        assert_non_null(rate);
        assert_int_equal(rate->per_s.origin, MEASURED);
        assert_non_null(strstr(rate->per_s.source, "llama.cpp"));
    }
    assert_non_null(machine_link(m, 0, 1));
    assert_non_null(machine_link(m, 1, 0));
    assert_true(known(machine_link(m, 0, 1)->bytes_per_s, NULL));
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    rig_close(&r);
}

static void test_a_card_that_is_gone(void **state)
{
    (void)state;
    struct rig r;
    struct place place[2];
    struct pool pool[2];
    device_rig(&r, place, pool, free_port());
    const struct machine *m = measured(&r);
    assert_null(machine_place_rate(m, 1, WORK_MATMUL_FLOP));
    assert_non_null(machine_rate(m, WORK_READ_BYTES, RATE_ALL_THREADS));
    assert_noted(&r.notes, "stand-in not measured: muster-engine ");
    assert_noted(&r.notes, "RPC0 is lost");
    rig_close(&r);
}

int main(int argc, char **argv)
{
    if (argc != 3) return 2;
    engine = argv[1];
    program = argv[2];
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_card),
                                       cmocka_unit_test(test_a_card_that_is_gone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
