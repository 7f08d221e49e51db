/* judge/fetch.h - getting a model onto a disk: how much, how long, what is left, how long it then takes to read. Pure; nothing is
 * allocated. */
#pragma once
#include "base/str.h"
#include "machine/machine.h"

struct disk_facts;

struct fetch_asked {
    double
        file_bytes; /* of the GGUF file in the mix asked for: nearly its weights; NaN: not known */
    double published_bytes;       /* of the weights as their owner published them; NaN: not known */
    double between_bytes;         /* of a file that is made on the way from those to it; 0: none */
    bool convert;                 /* the file is made here of what was published */
    double line_bytes_per_s;      /* NaN: not given */
    double slow_disk_bytes_per_s; /* the most that a spinning disk reads; NaN: not known */
    const struct machine *machine;
};
/* On a line of that speed. */
struct fetch_time {
    const char *line; /* "100 Mbit/s"; NULL: the one that was given */
    double bytes_per_s, seconds;
};
enum { FETCH_TIMES_MOST = 2 };
struct fetch {
    double download_bytes;                 /* NaN: not known */
    double disk_bytes;                     /* at most at once, while it is fetched and made; NaN */
    const struct disk_facts *disk;         /* that it goes on; NULL: none is known */
    const struct disk_facts *library_disk; /* that Ollama keeps its own copies on, where it is
                                              another; NULL: the same, or not known */
    struct quantity free_bytes;            /* there */
    struct quantity left_bytes; /* with everything that is there at once; below 0: too little */
    struct fetch_time time[FETCH_TIMES_MOST];
    size_t times;           /* 0: what is fetched is not known */
    bool examples;          /* no line was given: these are examples */
    struct estimate load_s; /* reading the file for the first time; UNKNOWN: why */
    const char *slow;       /* what is said of a slow disk, a network's or one in memory; NULL */
};
void judge_fetch(const struct fetch_asked *in, struct fetch *out);
/* "100Mbit/s", "1 Gbps", "50MB/s", "12 MiB/s": a bit is a bit, a byte eight of them; k, M and G are decimal, Ki, Mi and Gi binary. */
bool fetch_line_parse(struct str text, double *bytes_per_s) NODISCARD;
/* The disk of that purpose ("HF cache"), else the first; NULL: none is known. */
const struct disk_facts *fetch_disk(const struct machine *m, const char *purpose);
