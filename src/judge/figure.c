/* What a guide's figure is worth beside ours. It is confirmed where both ranges meet. Of memory ours reaches up to what leaves a share of
 * it to spare, since whoever asks for a machine leaves some. Of room on a disk we know the model alone: less than that is too low, and
 * more is neither right nor wrong. Left out: how ours is found (verb/judged_figures.c). */
#include "judge/figure.h"

#include <math.h>

static const struct {
    const char *name, *words;
    enum figure_dimension dimension;
} row[FIGURES] = {
    [FIGURE_MEMORY] = {"memory", "memory", FIGURE_BYTES},
    [FIGURE_DEVICE_MEMORY] = {"device_memory", "accelerator memory", FIGURE_BYTES},
    [FIGURE_HOST_MEMORY] = {"host_memory", "memory, on the host alone", FIGURE_BYTES},
    [FIGURE_KEPT] = {"kept", "what is captured", FIGURE_BYTES},
    [FIGURE_WRITTEN] = {"written", "what is written", FIGURE_BYTES},
    [FIGURE_FILE] = {"file", "the model's file", FIGURE_BYTES},
    [FIGURE_DOWNLOAD] = {"download", "download", FIGURE_BYTES},
    [FIGURE_DISK] = {"disk", "room on the disk", FIGURE_BYTES},
    [FIGURE_DECODE] = {"decode", "decode", FIGURE_RATE},
    [FIGURE_PREFILL] = {"prefill", "prefill", FIGURE_RATE},
    [FIGURE_LOAD] = {"load", "loading", FIGURE_SECONDS},
    [FIGURE_UNIT] = {"unit", "time of one", FIGURE_SECONDS},
    [FIGURE_DURATION] = {"duration", "time of all", FIGURE_SECONDS},
    [FIGURE_OVERHEAD] = {"overhead", "memory, times the weights", FIGURE_NUMBER},
    [FIGURE_GROWTH] = {"growth", "memory grows with the power", FIGURE_NUMBER},
    [FIGURE_TIME_GROWTH] = {"time_growth", "time grows with the power", FIGURE_NUMBER},
    [FIGURE_FITS] = {"fits", "fits", FIGURE_YES},
    [FIGURE_FITS_DEVICE] = {"fits_device", "fits the accelerator", FIGURE_YES},
    [FIGURE_OFFERED] = {"offered", "can be rented", FIGURE_YES},
    [FIGURE_OTHER] = {"other", "other", FIGURE_NUMBER},
};

const char *figure_name(enum figure_kind kind)
{
    return row[kind].name;
}

const char *figure_words(enum figure_kind kind)
{
    return row[kind].words;
}

enum figure_dimension figure_dimension(enum figure_kind kind)
{
    return row[kind].dimension;
}

const char *figure_worth_word(enum figure_worth worth)
{
    static const char *const word[] = {"confirmed", "too low", "too high", "refuted",
                                       "unsupported"};
    return word[worth];
}

static bool leaves_spare(enum figure_kind kind)
{
    return kind <= FIGURE_HOST_MEMORY;
}

enum figure_worth figure_judge(const struct guide_figure *f, struct estimate ours,
                               double spare_share)
{
    if (!estimate_known(ours) || f->kind == FIGURE_OTHER) return FIGURE_UNSUPPORTED;
    if (figure_dimension(f->kind) == FIGURE_YES)
        return (ours.likely > 0) == f->yes ? FIGURE_CONFIRMED : FIGURE_REFUTED;
    if (f->high < ours.low) return FIGURE_TOO_LOW;
    if (f->kind == FIGURE_DISK) return FIGURE_UNSUPPORTED;
    const double most = leaves_spare(f->kind) ? ours.high / (1 - spare_share) : ours.high;
    return f->low > most ? FIGURE_TOO_HIGH : FIGURE_CONFIRMED;
}
