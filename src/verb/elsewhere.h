/* verb/elsewhere.h - other machines that a task was held against as it was asked for: those whose reports lie in a folder, and the cheapest
 * to be rented. */
#pragma once
#include "verb/common.h"

struct elsewhere_row {
    const char *name;     /* of the machine, or of the instance and who rents it out */
    const char *file;     /* the report; NULL: it is for rent */
    double usd_per_hour;  /* NaN: a report's */
    const char *usd_date; /* NULL: not known */
    struct placed placed;
};
struct elsewhere {
    struct elsewhere_row *row;
    size_t rows;
};
struct elsewhere_asked {
    const struct placed *placed; /* here */
    const char *folder;          /* of reports; NULL: none */
    bool rent;                   /* whether instances are looked at */
    bool repack_given;           /* that setting was asked for, and stays */
    double decode_least_per_s;   /* NaN: speed is not asked */
};
/* NULL where nothing was asked, or nothing can be computed. A file of the folder that is no report is a note; a folder that cannot be read
 * is an error. */
bool find_elsewhere(const struct context *in, const struct elsewhere_asked *asked,
                    const struct elsewhere **out, struct mu_err *err) NODISCARD;
void show_elsewhere(struct doc *d, const struct elsewhere *e);
/* "elsewhere": a list, or null. */
void write_elsewhere(struct writer *w, const struct elsewhere *e, struct arena *a);
