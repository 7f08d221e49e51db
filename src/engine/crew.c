/* engine/crew.c - a fixed crew of threads between two barriers.
 *
 * The caller is number 0 and works too, so a machine of n CPUs runs n threads and the timer stands in none of them. A run is timed
 * from before the first barrier to after the second: waking the others (tens of microseconds) is inside, so runs must last
 * milliseconds. With one active thread there is no barrier at all. */
#include "engine/crew.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct worker {
    struct crew *crew;
    size_t me;
    pthread_t thread;
};

struct crew {
    const struct asked *in;
    size_t threads;
    struct worker *worker;
    pthread_mutex_t hiring; /* held until it is known whether the crew is complete */
    pthread_barrier_t start, end;
    bool complete, over;
    size_t active;
    void (*work)(void *to, size_t me);
    void *to;
};

/* A CPU that may not be used leaves the thread where the system puts it. */
static void pin(const struct asked *in, size_t me)
{
    if (!in->cpus) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)in->cpu[me % in->cpus], &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

static void *working(void *given)
{
    const struct worker *w = given;
    struct crew *c = w->crew;
    pthread_mutex_lock(&c->hiring);
    pthread_mutex_unlock(&c->hiring);
    if (!c->complete) return NULL;
    pin(c->in, w->me);
    for (;;) {
        pthread_barrier_wait(&c->start);
        if (c->over) return NULL;
        if (w->me < c->active) c->work(c->to, w->me);
        pthread_barrier_wait(&c->end);
    }
}

static void dismiss(struct crew *c, size_t hired)
{
    for (size_t i = 1; i < hired; i++) pthread_join(c->worker[i].thread, NULL);
    pthread_mutex_destroy(&c->hiring);
}

struct crew *crew_new(const struct asked *in, struct mu_err *err)
{
    struct crew *c = NEW(in->arena, struct crew);
    c->in = in;
    c->threads = in->threads;
    c->worker = NEW_ARRAY(in->arena, struct worker, in->threads);
    pthread_mutex_init(&c->hiring, NULL);
    pthread_mutex_lock(&c->hiring);
    size_t hired = 1;
    int failed = 0;
    for (; hired < in->threads && !failed; hired += !failed) {
        struct worker *w = &c->worker[hired];
        w->crew = c;
        w->me = hired;
        failed = pthread_create(&w->thread, NULL, working, w);
    }
    c->complete = !failed;
    if (!failed) {
        pthread_barrier_init(&c->start, NULL, (unsigned)in->threads);
        pthread_barrier_init(&c->end, NULL, (unsigned)in->threads);
    }
    pthread_mutex_unlock(&c->hiring);
    if (failed) {
        dismiss(c, hired);
        err_set(err, MU_UNAVAILABLE, "starting thread %zu of %zu: %s; try fewer threads", hired + 1,
                in->threads, strerror(failed));
        return NULL;
    }
    pin(in, 0);
    return c;
}

double crew_run(struct crew *c, size_t active, void (*work)(void *to, size_t me), void *to)
{
    const double start_s = clock_s();
    if (active == 1) {
        work(to, 0);
        return clock_s() - start_s;
    }
    c->active = active;
    c->work = work;
    c->to = to;
    pthread_barrier_wait(&c->start);
    work(to, 0);
    pthread_barrier_wait(&c->end);
    return clock_s() - start_s;
}

void crew_free(struct crew *c)
{
    if (!c) return;
    c->over = true;
    if (c->threads > 1) pthread_barrier_wait(&c->start);
    dismiss(c, c->threads);
    if (c->threads > 1) {
        pthread_barrier_destroy(&c->start);
        pthread_barrier_destroy(&c->end);
    }
}
