/* engine/say.c - the two ends of the wall: the request read from JSON, the answer written as JSON lines.
 *
 * A rate is the median of its runs, or what its test makes of them, between the slowest and the fastest of them; nothing is left out. Each line is
 * flushed at once, so that what was said before a crash has been said. */
#include "engine/engine.h"

#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

enum { LINE_MOST_BYTES = 16 << 10, THREADS_MOST = 1 << 16 };

bool asked_number(const struct json *map, const char *key, double at_least, double at_most,
                  double *out, struct mu_err *err)
{
    const struct json *j = json_get(map, key);
    if (!j) return true;
    double value;
    if (!json_number(j, &value) || !(value >= at_least) || !(value <= at_most))
        return err_set(err, MU_DATA, "the request's \"%s\" is not a number from %g to %g", key,
                       at_least, at_most);
    *out = value;
    return true;
}

bool asked_numbers(const struct json *list, const char *key, size_t most_count, double at_least,
                   double at_most, double *out, size_t *count, struct mu_err *err)
{
    *count = json_count(list);
    if (json_kind(list) != JSON_LIST_KIND || !*count || *count > most_count)
        return err_set(err, MU_DATA, "the request's \"%s\" is not a list of 1 to %zu numbers", key,
                       most_count);
    for (size_t i = 0; i < *count; i++)
        if (!json_number(json_at(list, i), &out[i]) || !(out[i] >= at_least) ||
            !(out[i] <= at_most) || floor(out[i]) != out[i])
            return err_set(err, MU_DATA,
                           "the request's \"%s\" holds something else than whole numbers from %g "
                           "to %g",
                           key, at_least, at_most);
    return true;
}

static bool cpus_of(const struct json *list, struct asked *out, struct mu_err *err)
{
    if (!list) return true;
    const size_t count = json_count(list);
    if (json_kind(list) != JSON_LIST_KIND || count > CPU_SETSIZE)
        return err_set(err, MU_DATA, "the request's \"cpus\" is not a list of at most %d numbers",
                       CPU_SETSIZE);
    int *cpu = NEW_ARRAY(out->arena, int, count + 1);
    for (size_t i = 0; i < count; i++) {
        double id;
        if (!json_number(json_at(list, i), &id) || !(id >= 0) || !(id < CPU_SETSIZE))
            return err_set(err, MU_DATA, "the request's \"cpus\" holds something else than a CPU");
        cpu[i] = (int)id;
    }
    out->cpu = cpu;
    out->cpus = count;
    return true;
}

bool asked_read(struct str text, struct arena *a, struct asked *out, struct mu_err *err)
{
    struct json *j = NULL;
    if (!json_parse(text, "the request", &j, err)) return false;
    struct asked in = {.arena = a};
    double threads = 1;
    struct str folder;
    bool good = json_kind(j) == JSON_MAP_KIND;
    if (!good) err_set(err, MU_DATA, "the request is not a JSON map");
    good = good && asked_number(j, "threads", 1, THREADS_MOST, &threads, err) &&
           asked_number(j, "bytes", 0, 1e18, &in.bytes, err) &&
           asked_number(j, "cache_bytes", 0, 1e18, &in.cache_bytes, err) &&
           asked_number(j, "nodes", 0, THREADS_MOST, &in.nodes, err) &&
           asked_number(j, "seconds", 0, 3600, &in.seconds, err) &&
           cpus_of(json_get(j, "cpus"), &in, err);
    if (good && json_text(json_get(j, "folder"), &folder)) in.folder = str_copy(a, folder);
    in.threads = (size_t)threads;
    in.json = j;
    if (good)
        *out = in;
    else
        json_free(j);
    return good;
}

void asked_free(struct asked *in)
{
    json_free(in->json);
    in->json = NULL;
}

void runs_add(struct runs *r, double amount, double seconds)
{
    if (r->count < RUNS_MOST && seconds > 0) r->per_s[r->count++] = amount / seconds;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void say_begin(struct say *s)
{
    buf_init(&s->text, LINE_MOST_BYTES);
    s->w = writer_of(&s->text, true);
    writer_map(&s->w);
}

void say_end(struct say *s)
{
    writer_map_end(&s->w);
    buf_char(&s->text, '\n');
    const struct str text = buf_text(&s->text);
    fwrite(text.p, 1, text.n, stdout);
    fflush(stdout);
    buf_release(&s->text);
}

void say_rate(struct runs *r, const char *source, const char *conditions, struct arena *a)
{
    if (!r->count) {
        say_note(a, "the %s test had no run long enough to be timed", r->work);
        return;
    }
    qsort(r->per_s, r->count, sizeof(r->per_s[0]), by_size);
    const size_t half = r->count / 2;
    const double median = r->count % 2 ? r->per_s[half] : (r->per_s[half - 1] + r->per_s[half]) / 2;
    struct say s;
    say_begin(&s);
    writer_put_cstr(&s.w, "work", r->work);
    if (r->device) writer_put_cstr(&s.w, "device", r->device);
    if (r->type) writer_put_cstr(&s.w, "type", r->type);
    if (r->tokens > 0) writer_put_number(&s.w, "tokens", r->tokens);
    if (r->row > 0) writer_put_number(&s.w, "row", r->row);
    if (r->group > 0) writer_put_number(&s.w, "group", r->group);
    if (r->cell > 0) writer_put_number(&s.w, "cell", r->cell);
    if (r->buffer) writer_put_cstr(&s.w, "buffer", r->buffer);
    writer_put_number(&s.w, "threads", (double)r->threads);
    writer_put_number(&s.w, "low", r->per_s[0]);
    writer_put_number(&s.w, "likely", r->likely > 0 ? r->likely : median);
    writer_put_number(&s.w, "high", r->per_s[r->count - 1]);
    writer_put_number(&s.w, "runs", (double)r->count);
    writer_put_cstr(&s.w, "source", source);
    writer_put_cstr(&s.w, "conditions", conditions);
    say_end(&s);
}

void say_note(struct arena *a, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const char *text = str_vformat(a, format, list);
    va_end(list);
    struct say s;
    say_begin(&s);
    writer_put_cstr(&s.w, "note", text);
    say_end(&s);
}
