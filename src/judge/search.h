/* judge/search.h - candidates of placement.c's search: what one needs where, by its bill, and how layers are dealt over its devices. */
#pragma once
#include "judge/judge.h"

enum { CANDIDATES = 48 };
enum { DEVICES = SITES - 1 };
/* What gives way when a candidate does not fit; in the order of preference. */
enum way { ALL_ON_DEVICES, EXPERTS_ON_HOST, LAYERS_ON_HOST, CACHE_ON_HOST, NONE_ON_DEVICES };
struct candidate {
    struct split split;
    struct seats seats;
    enum way way;
    bool host_fits;
    struct estimate decode_per_s, prefill_per_s;
};
struct usable_device {
    uint16_t place, pool;
    double usable_bytes, read_per_s; /* read_per_s: 0 when not known */
};
struct search {
    const struct task *asked;
    struct generate knobs; /* as asked, closed form */
    struct task quick;
    const struct machine *machine;
    const struct world *world;
    struct usable_device device[DEVICES]; /* in the machine's order */
    int devices;
    int by_speed[DEVICES], by_size[DEVICES]; /* best first */
    double layers;                           /* of the model, and one for the output */
    double fixed_layers, fixed_experts;      /* NaN: free */
    bool experts;                            /* the model has some */
    bool wary;                               /* high ends count */
    double host_more_bytes;                  /* what the process may take beyond what is likely */
    struct bill bill;
    struct candidate found[CANDIDATES];
    size_t founds;
    struct candidate nearest; /* of those that do not fit */
    bool near;
};

/* Bills a candidate, as all that follow do. Room left at each device; true when none is too small. The host is not looked at. */
bool search_devices_fit(struct search *s, struct candidate *c, double spare[SITES]);
/* Whether the host has room too, with what lies on the same pool; by the last bill. */
bool search_host_fits(const struct search *s, const struct candidate *c);
double search_on_devices(const struct candidate *c); /* layers */
/* So many layers dealt over the candidate's devices, as shares were given or by memory; false when they do not fit there. */
bool search_deal(struct search *s, struct candidate *c, double layers);
/* Layers moved from slower devices to faster ones that have room left; false: there was nothing to gain. */
bool search_lean(struct search *s, struct candidate *c);
/* Moves layers from the fullest device to the one with most room, by the last bill; false when that leads nowhere. */
bool search_move_layers(const struct search *s, struct candidate *c, const double spare[SITES]);
/* The runs of layers behind each other, in the order of their sites. */
void search_line_up(const struct search *s, struct candidate *c);
void search_set_rules(const struct search *s, struct candidate *c);
bool search_shares_given(const struct search *s);
