// Pictures of a run that was read from its folder: of its tables.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/verdict.h"
#include "experiments/lens.h"
#include "ui/opened_run_parts.h"

// Rows of a table that a picture is of.
struct pick {
    struct opened_run *run;
    const struct csv_table *t;
    struct snapshot *p;
};

static bool is_metric(const struct pick *k, size_t row)
{
    return strcmp(opened_cell(k->t, row, "metric"), metric_info(k->p->metric)->name) == 0;
}

// Which of the run's kinds a row is of; kinds.n: none of them.
static size_t kind_of(const struct pick *k, size_t row)
{
    const struct choice *c = &k->run->choice;
    struct ablation how = c->kinds.items[0];
    if (!ablation_parse(opened_cell(k->t, row, "ablate"), &how))
        return c->kinds.n;
    return choice_find_kind(c, &how);
}

static bool is_shown(const struct pick *k, size_t row)
{
    size_t kind = kind_of(k, row);
    return is_metric(k, row) && kind < k->run->choice.kinds.n
           && ablation_same(&k->run->choice.kinds.items[kind], &k->p->ablation);
}

static uint32_t count_of(const struct pick *k, size_t row, const char *name)
{
    uint32_t n = 0;
    return opened_index(k->t, row, name, UINT32_MAX, &n) ? n : 0;
}

// The effect of a row; mean: its column.
static struct estimate estimate_of(const struct pick *k, size_t row, const char *mean)
{
    return (struct estimate){ .mean = opened_number(k->t, row, mean),
                              .se = opened_number(k->t, row, "se"),
                              .ci_lo = opened_number(k->t, row, "ci_lo"),
                              .ci_hi = opened_number(k->t, row, "ci_hi"),
                              .p = opened_number(k->t, row, "p"),
                              .q = opened_number(k->t, row, "q"),
                              .n = count_of(k, row, "n"),
                              .n_clusters = count_of(k, row, "n_clusters") };
}

// ------------------------------------------------------------------------------------------- cells

static bool head_of(const struct pick *k, size_t row, struct head *out)
{
    return opened_index(k->t, row, "layer", k->p->n_layers, &out->layer)
           && opened_index(k->t, row, "head", k->p->n_heads, &out->head);
}

// The first row of a head is its cell.
static void put_cell(const struct pick *k, size_t row, struct head h)
{
    struct snapshot *p = k->p;
    size_t at = snapshot_at(p, h);
    if (p->states[at] == CELL_DONE)
        return;
    p->states[at] = CELL_DONE;
    p->cells[at] = estimate_of(k, row, "delta");
    p->values[at] = opened_number(k->t, row, "value");
    p->n_cells++;
}

static bool fill_heads(struct opened_run *r, struct snapshot *p, struct abl_err *err)
{
    struct pick k = { .run = r, .p = p };
    size_t n_cells = (size_t)p->n_layers * p->n_heads;
    struct head h;
    if (!opened_table(r, &table_head_impact, &k.t, err))
        return false;
    if (!snapshot_kinds(p, &r->choice.kinds))
        return abl_no_memory(err);
    for (size_t row = 0; k.t && row < k.t->n_rows; row++) {
        size_t kind = kind_of(&k, row);
        if (!is_metric(&k, row) || kind >= r->choice.kinds.n || !head_of(&k, row, &h))
            continue;
        if (p->by_kind)
            p->by_kind[kind * n_cells + snapshot_at(p, h)] = estimate_of(&k, row, "delta");
        if (ablation_same(&r->choice.kinds.items[kind], &p->ablation))
            put_cell(&k, row, h);
    }
    return true;
}

// ------------------------------------------------------------------------------------------- items

// Items grow one by one; n of them have room.
static struct item *next_item(struct snapshot *p)
{
    struct item *to = &p->items[p->n_items++];
    *to = (struct item){ .done = true };
    return to;
}

static bool make_room(struct snapshot *p, size_t n)
{
    struct item *more = n < SIZE_MAX / sizeof *more - p->n_items - 1
                            ? realloc(p->items, (p->n_items + n + 1) * sizeof *more)
                            : NULL;
    if (more)
        p->items = more;
    return more;
}

static void put_restored(const struct pick *k, size_t row)
{
    struct item *to = next_item(k->p);
    const char *source = opened_cell(k->t, row, "source");
    bool same = strcmp(source, "same") == 0;
    double reference = opened_number(k->t, row, "baseline");
    double patched = opened_number(k->t, row, "patched");
    snprintf(to->label, sizeof to->label, "+ %s%s%s", same ? "" : source, same ? "" : " ",
             opened_cell(k->t, row, "restored"));
    to->indented = to->has_recovery = true;
    to->delta = (struct estimate){
        .mean = patched - reference, .se = NAN, .ci_lo = NAN, .ci_hi = NAN, .p = NAN, .q = NAN
    };
    to->recovery = (struct recovery){ .reference = reference,
                                      .damaged = opened_number(k->t, row, "ablated"),
                                      .patched = patched,
                                      .ratio = estimate_of(k, row, "recovery"),
                                      .small = opened_number(k->t, row, "small_denominator") > 0 };
    to->recovery.ratio.p = to->recovery.ratio.q = NAN;
}

// Heads that a set was given back, below it.
static void put_restored_of(const struct pick *sets, const struct csv_table *recovery,
                            const char *heads)
{
    struct pick k = { sets->run, recovery, sets->p };
    for (size_t row = 0; recovery && row < recovery->n_rows; row++)
        if (is_shown(&k, row) && strcmp(opened_cell(recovery, row, "heads"), heads) == 0)
            put_restored(&k, row);
}

// Controls show as percentiles alone.
static bool fill_sets(struct opened_run *r, struct snapshot *p, struct abl_err *err)
{
    struct pick k = { .run = r, .p = p };
    const struct csv_table *recovery;
    if (!opened_table(r, &table_group_impact, &k.t, err)
        || !opened_table(r, &table_recovery, &recovery, err))
        return false;
    size_t n_sets = k.t ? k.t->n_rows : 0, n_restored = recovery ? recovery->n_rows : 0;
    for (size_t row = 0; row < n_sets; row++) {
        const char *heads = opened_cell(k.t, row, "heads");
        if (!is_shown(&k, row) || strcmp(opened_cell(k.t, row, "kind"), "chosen") != 0)
            continue;
        if (!make_room(p, 1 + n_restored))
            return abl_no_memory(err);
        struct item *to = next_item(p);
        snprintf(to->label, sizeof to->label, "%s", heads);
        to->delta = estimate_of(&k, row, "delta");
        put_restored_of(&k, recovery, heads);
    }
    return true;
}

static bool is_sham(const struct pick *k, size_t row)
{
    return strcmp(opened_cell(k->t, row, "direction"), "sham") == 0;
}

// "all", "-1", "subject:last", as the variant's position is called.
static const char *place_of(const struct csv_table *t, size_t row)
{
    const char *positions = opened_cell(t, row, "positions");
    return strcmp(positions, POSITIONS_ROLE) == 0  ? opened_cell(t, row, "role")
           : strcmp(positions, POSITIONS_ONE) == 0 ? opened_cell(t, row, "position")
                                                   : positions;
}

// "z@3:1[all]", "resid_post@3[-1]", as the variant is called.
static void name_patch(const struct pick *k, size_t row, struct item *to)
{
    const char *head = opened_cell(k->t, row, "head"), *place = place_of(k->t, row);
    snprintf(to->label, sizeof to->label, "%s%s@%s%s%s[%s]", is_sham(k, row) ? "sham " : "",
             opened_cell(k->t, row, "site"), opened_cell(k->t, row, "layer"), *head ? ":" : "",
             head, place);
}

// What the run that is patched from has: the same in every row, which gives it by what its place
// recovers; told best by the largest one.
static double reference_of(const struct pick *k)
{
    double best = 0, reference = NAN;
    for (size_t row = 0; row < k->t->n_rows; row++) {
        double delta = opened_number(k->t, row, "delta");
        double ratio = opened_number(k->t, row, "recovery");
        if (!is_metric(k, row) || !(fabs(ratio) > best) || !isfinite(delta / ratio))
            continue;
        best = fabs(ratio);
        reference = opened_number(k->t, row, "value") - delta + delta / ratio;
    }
    return reference;
}

static struct recovery recovery_of(const struct pick *k, size_t row, double reference)
{
    double value = opened_number(k->t, row, "value");
    return (struct recovery){ .reference = reference,
                              .damaged = value - opened_number(k->t, row, "delta"),
                              .patched = value,
                              .ratio = { .mean = opened_number(k->t, row, "recovery"),
                                         .se = NAN,
                                         .ci_lo = NAN,
                                         .ci_hi = NAN,
                                         .p = NAN,
                                         .q = NAN },
                              .small = opened_number(k->t, row, "small_denominator") > 0 };
}

// Sites that have as many heads as the grid show in it, too.
static bool is_per_head(const char *site)
{
    return strcmp(site, site_name(SITE_Z)) == 0 || strcmp(site, site_name(SITE_Q)) == 0
           || strcmp(site, site_name(SITE_PATTERN)) == 0;
}

// What it does in the rows that differ there, where the run counted them.
static void put_changed(const struct pick *k, size_t row, struct item *to)
{
    to->has_changed = opened_index(k->t, row, "n_changed", UINT32_MAX, &to->changed.delta.n);
    to->changed.delta.mean = opened_number(k->t, row, "delta_changed");
    to->changed.delta.ci_lo = opened_number(k->t, row, "ci_lo_changed");
    to->changed.delta.ci_hi = opened_number(k->t, row, "ci_hi_changed");
    to->changed.delta.se = to->changed.delta.p = to->changed.delta.q = NAN;
    to->changed.recovery = opened_number(k->t, row, "recovery_changed");
}

// The patches of a table as variants: what says their cell.
struct places {
    struct variants list;
    struct edit *edits;
    size_t *item_of;
};

static bool places_open(struct places *p, size_t n, struct abl_err *err)
{
    *p = (struct places){ .list.items = calloc(n + 1, sizeof *p->list.items),
                          .edits = calloc(n + 1, sizeof *p->edits),
                          .item_of = calloc(n + 1, sizeof *p->item_of) };
    return (p->list.items && p->edits && p->item_of) || abl_no_memory(err);
}

static void places_close(struct places *p)
{
    free(p->list.items);
    free(p->edits);
    free(p->item_of);
}

// The same number for the same place.
static int32_t number_of(const struct places *p, const char *place)
{
    size_t i = 0;
    while (i < p->list.n && strcmp(p->list.items[i].position, place) != 0)
        i++;
    return (int32_t)i;
}

static void put_place(const struct pick *k, size_t row, struct places *to)
{
    struct variant *v = &to->list.items[to->list.n];
    struct edit *e = &to->edits[to->list.n];
    const char *site = opened_cell(k->t, row, "site"), *place = place_of(k->t, row);
    size_t s = 0;
    while (s < N_SITES && strcmp(site_name(s), site) != 0)
        s++;
    *e = (struct edit){ .site = (enum site)s, .head = ALL_HEADS, .position = number_of(to, place) };
    if (s == N_SITES || !opened_index(k->t, row, "layer", k->p->n_layers, &e->layer))
        return;
    opened_index(k->t, row, "head", k->p->n_heads, &e->head);
    *v = (struct variant){ .position = place, .edits = e, .n_edits = 1, .role = ROLE_PATCH };
    to->item_of[to->list.n++] = k->p->n_items - 1;
}

static bool fill_patches(struct opened_run *r, struct snapshot *p, struct abl_err *err)
{
    struct pick k = { .run = r, .p = p };
    struct head h;
    if (!opened_table(r, &table_layer_impact, &k.t, err))
        return false;
    if (k.t && !make_room(p, k.t->n_rows))
        return abl_no_memory(err);
    double reference = k.t ? reference_of(&k) : NAN;
    struct places places;
    bool ok = places_open(&places, k.t ? k.t->n_rows : 0, err);
    for (size_t row = 0; ok && k.t && row < k.t->n_rows; row++) {
        if (!is_metric(&k, row))
            continue;
        struct item *to = next_item(p);
        name_patch(&k, row, to);
        to->delta = estimate_of(&k, row, "delta");
        to->has_recovery = !is_sham(&k, row);
        to->recovery = recovery_of(&k, row, reference);
        put_changed(&k, row, to);
        if (head_of(&k, row, &h))
            to->head = h;
        if (to->has_recovery && is_per_head(opened_cell(k.t, row, "site")) && head_of(&k, row, &h))
            put_cell(&k, row, h);
        if (to->has_recovery)
            put_place(&k, row, &places);
    }
    ok = ok && snapshot_put_maps(p, &places.list, places.item_of, err);
    places_close(&places);
    return ok;
}

static void put_part(const struct pick *k, size_t row)
{
    struct item *to = next_item(k->p);
    const char *part = opened_cell(k->t, row, "part"), *layer = opened_cell(k->t, row, "layer");
    to->delta = estimate_of(k, row, "ld");
    to->is_head = to->indented
        = strcmp(part, direct_kind_name(DIRECT_HEAD)) == 0 && head_of(k, row, &to->head);
    if (to->is_head)
        snprintf(to->label, sizeof to->label, "head %" PRIu32 ":%" PRIu32, to->head.layer,
                 to->head.head);
    else
        snprintf(to->label, sizeof to->label, "%s%s%s", part, *layer ? " " : "", layer);
}

static bool fill_parts(struct opened_run *r, struct snapshot *p, struct abl_err *err)
{
    struct pick k = { .run = r, .p = p };
    if (!opened_table(r, &table_direct, &k.t, err))
        return false;
    if (k.t && !make_room(p, k.t->n_rows))
        return abl_no_memory(err);
    for (size_t row = 0; k.t && row < k.t->n_rows; row++)
        put_part(&k, row);
    return true;
}

// ------------------------------------------------------------------------------------------- whole

static void fill_facts(const struct opened_run *r, struct snapshot *p)
{
    p->has_facts = true;
    p->facts = r->facts;
    p->seconds = r->seconds;
    p->done = r->n_done;
    p->total = r->n_variants;
    p->n_sampled = p->done;
    p->intact = r->intact[p->metric];
    p->bar.alpha = r->settings.alpha;
    p->bar.least = least_effect(r->settings.min_effect, &p->intact);
}

static bool fill(struct opened_run *r, struct snapshot *p, struct abl_err *err)
{
    static const struct estimate missing
        = { .mean = NAN, .se = NAN, .ci_lo = NAN, .ci_hi = NAN, .p = NAN, .q = NAN };
    fill_facts(r, p);
    for (size_t i = 0; i < (size_t)p->n_layers * p->n_heads; i++)
        p->cells[i] = missing;
    if (!fill_heads(r, p, err) || !fill_sets(r, p, err) || !fill_patches(r, p, err)
        || !fill_parts(r, p, err))
        return false;
    for (size_t i = 0; i < p->n_items; i++)
        if (isfinite(p->items[i].delta.mean))
            p->items_scale = fmax(p->items_scale, fabs(p->items[i].delta.mean));
    return snapshot_rescale(p, err);
}

bool opened_run_snapshot(struct opened_run *r, const struct choice *c, unsigned number,
                         struct snapshot **out, struct abl_err *err)
{
    struct snapshot *p = snapshot_new(r->facts.shape.n_layers, r->facts.shape.n_heads);
    if (!p)
        return abl_no_memory(err);
    p->phase = r->partial || r->n_done < r->n_variants ? RUN_CANCELLED : RUN_DONE;
    p->run = number;
    p->ablation = c->ablation;
    p->experiment = c->experiment;
    p->metric = c->metric;
    if (!fill(r, p, err)) {
        snapshot_free(p);
        return false;
    }
    *out = p;
    return true;
}
