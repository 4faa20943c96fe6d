#include "verify/verify.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "experiments/experiments.h"
#include "forward/forward.h"
#include "forward/weights.h"
#include "reference/reference.h"

enum { DEFAULT_ROWS = 8, FEWEST_ROWS = 2 };

#define NOT_TAKEN UINT32_MAX

static const double tolerances[N_PRECISIONS]
    = { [PRECISION_F32] = 1e-4, [PRECISION_BF16X3] = 1e-3, [PRECISION_F16] = 5e-2 };
static const double default_flop = 2e10;

// The reference's answers, shared by all devices.
struct expected {
    struct reference_row *intact; // (n_prompts)
    struct reference_row *rows;   // [variant * n_prompts + prompt]
};

// A device's answers.
struct found {
    struct row_stats *intact, *rows;
    bool *done;
};

static double reference_flop(const struct verify *v)
{
    const struct model_shape *s = &v->session->model->shape;
    double q = (double)s->n_heads * s->d_head, kv = (double)s->n_kv_heads * s->d_head;
    double token = (double)s->n_layers * s->d_model * (q + 2 * kv + q + 2.0 * s->d_mlp);
    double read = (double)s->d_model * s->n_vocab, flop = 0;
    for (size_t i = 0; i < v->n_prompts; i++)
        flop += 2 * (token * v->prompts[i].n_ids + read);
    return flop * (double)(v->variants.n + 1);
}

// Of pointers into one array, in whose order those of one length stay.
static int by_length(const void *a, const void *b)
{
    const struct prompt *x = *(const struct prompt *const *)a,
                        *y = *(const struct prompt *const *)b;
    if (x->n_ids != y->n_ids)
        return x->n_ids < y->n_ids ? -1 : 1;
    return (x > y) - (x < y);
}

// n prompts at equal steps through those of the run sorted by length, the shortest and the longest
// among them.
static bool pick_prompts(struct verify *v, size_t n, struct abl_err *err)
{
    const struct prompts *all = session_prompts(v->session);
    const struct prompt **sorted = arena_alloc(&v->arena, all->n, sizeof *sorted);
    n = size_min(n, all->n);
    v->prompts = arena_alloc(&v->arena, n, sizeof *v->prompts);
    v->numbers = arena_alloc(&v->arena, n, sizeof *v->numbers);
    if (!sorted || !v->prompts || !v->numbers)
        return abl_no_memory(err);
    for (size_t i = 0; i < all->n; i++)
        sorted[i] = &all->items[i];
    qsort(sorted, all->n, sizeof *sorted, by_length);
    for (size_t i = 0; i < n; i++) {
        const struct prompt *p = sorted[n > 1 ? i * (all->n - 1) / (n - 1) : 0];
        v->prompts[i] = *p;
        v->numbers[i] = (uint32_t)(p - all->items);
    }
    v->n_prompts = n;
    return true;
}

// The donors of the prompts compared as numbers of v->donors, which those that are not there yet
// join. number: of each of the run's donors there, NOT_TAKEN.
static const uint32_t *take_donors(struct verify *v, const uint32_t *donor, uint32_t *number)
{
    uint32_t *taken = arena_alloc(&v->arena, v->n_prompts, sizeof *taken);
    for (size_t i = 0; taken && i < v->n_prompts; i++) {
        uint32_t d = donor[v->numbers[i]];
        if (number[d] == NOT_TAKEN) {
            number[d] = (uint32_t)v->n_donors;
            v->donors[v->n_donors++] = v->session->donors.prompts[d];
        }
        taken[i] = number[d];
    }
    return taken;
}

// The variants count all of the run's donors; the reference runs whom it is given, so that only
// those needed are.
static bool pick_donors(struct verify *v, struct abl_err *err)
{
    size_t n = v->session->donors.n;
    uint32_t *number = arena_alloc(&v->arena, n + 1, sizeof *number);
    v->donors = arena_alloc(&v->arena, n + 1, sizeof *v->donors);
    if (!number || !v->donors)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++)
        number[i] = NOT_TAKEN;
    for (size_t i = 0; i < v->variants.n; i++)
        for (size_t k = 0; k < v->variants.items[i].n_edits; k++) {
            const struct edit *e = &v->variants.items[i].edits[k];
            const uint32_t **map = &v->donor_maps[e->donor];
            if (e->source == SOURCE_ROW && !*map
                && !(*map = take_donors(v, v->session->donors.maps[e->donor], number)))
                return abl_no_memory(err);
        }
    return true;
}

// Keep one variant, drawn by the seed, of those in a row that begin at the same layer.
static void thin_variants(struct verify *v)
{
    struct rng r;
    rng_seed(&r, v->session->settings.seed);
    size_t n = 0;
    for (size_t first = 0, end; first < v->variants.n; first = end) {
        uint32_t layer = variant_first_layer(&v->variants.items[first]);
        for (end = first + 1; end < v->variants.n; end++)
            if (variant_first_layer(&v->variants.items[end]) != layer)
                break;
        v->variants.items[n++] = v->variants.items[first + rng_below(&r, (uint32_t)(end - first))];
    }
    v->variants.n = n;
}

static bool pick_slice(struct verify *v, struct verify_limits limits, struct abl_err *err)
{
    double flop = limits.flop > 0 ? limits.flop : default_flop;
    if (!experiment_variants(v->session, &v->variants, err)
        || !pick_prompts(v, limits.n_rows ? limits.n_rows : DEFAULT_ROWS, err))
        return false;
    v->n_all_variants = v->variants.n;
    if (reference_flop(v) > flop)
        thin_variants(v);
    while (reference_flop(v) > flop && v->n_prompts > FEWEST_ROWS)
        if (!pick_prompts(v, v->n_prompts - 1, err))
            return false;
    return pick_donors(v, err);
}

static bool run_reference(struct verify *v, struct expected *out, struct abl_err *err)
{
    struct reference_job job = { .model = v->session->model,
                                 .prompts = v->prompts,
                                 .n_prompts = v->n_prompts,
                                 .donors = v->n_donors ? v->donors : NULL,
                                 .n_donors = v->n_donors,
                                 .donor_maps = v->donor_maps,
                                 .has_bos = v->session->prompts->bos != TOKEN_NONE,
                                 .variants = &v->variants };
    out->intact = arena_alloc(&v->arena, v->n_prompts, sizeof *out->intact);
    out->rows = arena_alloc(&v->arena, v->variants.n * v->n_prompts, sizeof *out->rows);
    if (!out->intact || !out->rows)
        return abl_no_memory(err);
    return reference_run(&job, out->intact, out->rows, err);
}

static bool run_device(const struct verify *v, struct engine *e, struct found *out,
                       struct abl_err *err)
{
    const struct settings *s = &v->session->settings;
    struct run_memory mem = settings_memory(s, &e->info);
    struct forward_settings settings = { .engine = e,
                                         .model = v->session->model,
                                         .prompts = v->prompts,
                                         .n_prompts = v->n_prompts,
                                         .donors = v->n_donors ? v->donors : NULL,
                                         .n_donors = v->n_donors,
                                         .donor_maps = v->donor_maps,
                                         .has_bos = v->session->prompts->bos != TOKEN_NONE,
                                         .mem = mem.activations,
                                         .weights_mem = mem.weights,
                                         .weights_flags = s->damage_weight ? WEIGHTS_DAMAGED : 0 };
    struct forward_job job = { .variants = &v->variants, .done = out->done, .rows = out->rows };
    struct forward *f;
    if (!forward_open(&settings, out->intact, &f, err))
        return false;
    bool ok = forward_run(f, &job, err);
    forward_free(f);
    return ok;
}

// One value of a device beside the reference's.
struct pair {
    double found, expected;
    bool near; // a whole number that rounding may change
    const char *variant;
    uint32_t line;
};

static void add_pair(struct verify_drift *d, const struct pair *p, double slack)
{
    if (p->near) {
        d->n_near++;
        return;
    }
    double drift = fabs(p->found - p->expected);
    d->n++;
    d->mean += drift; // the sum until all are in
    if (!(drift <= slack))
        d->pass = false;
    if (isnan(d->max) || drift <= d->max)
        return;
    d->max = drift;
    d->worst_variant = p->variant;
    d->worst_line = p->line;
    d->worst_found = p->found;
    d->worst_expected = p->expected;
}

// All metrics of one prompt under one variant, or of its intact run.
struct row_pair {
    const struct row_stats *found, *found_intact;
    const struct reference_row *expected, *expected_intact;
    const char *variant;
    uint32_t line;
};

static void compare_row(struct verify_drift *drift, const struct row_pair *r)
{
    struct pair p = { .variant = r->variant, .line = r->line };
    for (int i = 0; i < N_METRICS; i++) {
        enum metric m = (enum metric)i;
        p.found = metric_value(m, r->found, r->found_intact);
        p.expected = reference_metric(m, r->expected, r->expected_intact);
        p.near = reference_near_tie(m, r->expected, r->expected_intact, drift[METRIC_LD].tolerance);
        add_pair(&drift[m], &p, drift[m].tolerance * fmax(1.0, fabs(p.expected)));
    }
    p.found = metric_delta(METRIC_LD, r->found, r->found_intact);
    p.expected = reference_metric(METRIC_LD, r->expected, r->expected_intact)
                 - reference_metric(METRIC_LD, r->expected_intact, r->expected_intact);
    p.near = false;
    add_pair(&drift[VERIFY_DELTA_LD], &p,
             drift[VERIFY_DELTA_LD].tolerance * fmax(1.0, fabs(p.expected)));
}

static void compare_all(const struct verify *v, const struct expected *e, const struct found *f,
                        struct verify_drift *drift)
{
    for (size_t i = 0; i < v->n_prompts; i++) {
        uint32_t line = v->prompts[i].row->line;
        compare_row(drift, &(struct row_pair){ &f->intact[i], &f->intact[i], &e->intact[i],
                                               &e->intact[i], "intact", line });
        for (size_t k = 0; k < v->variants.n; k++) {
            size_t at = k * v->n_prompts + i;
            compare_row(drift,
                        &(struct row_pair){ &f->rows[at], &f->intact[i], &e->rows[at],
                                            &e->intact[i], v->variants.items[k].label, line });
        }
    }
}

static void judge(const struct verify *v, const struct expected *e, const struct found *f,
                  struct verify_result *r)
{
    for (int i = 0; i < N_DRIFTS; i++) {
        bool whole = i != VERIFY_DELTA_LD && metric_is_whole((enum metric)i);
        r->drift[i] = (struct verify_drift){
            .name = i == VERIFY_DELTA_LD ? "delta_ld" : metric_info((enum metric)i)->name,
            .tolerance = whole ? 0 : tolerances[r->device.precision],
            .pass = true
        };
    }
    compare_all(v, e, f, r->drift);
    r->pass = true;
    for (int i = 0; i < N_DRIFTS; i++) {
        if (r->drift[i].n)
            r->drift[i].mean /= (double)r->drift[i].n;
        r->pass = r->pass && r->drift[i].pass;
    }
}

// Takes the engine; e may be NULL where it could not be opened.
static bool check_device(const struct verify *v, const struct expected *x, struct engine *e,
                         struct verify_result *r, struct abl_err *err)
{
    if (!e)
        return true;
    size_t n = v->variants.n * v->n_prompts;
    struct found f = { .intact = calloc(v->n_prompts, sizeof *f.intact),
                       .rows = calloc(n, sizeof *f.rows),
                       .done = calloc(v->variants.n, sizeof *f.done) };
    bool memory = f.intact && f.rows && f.done;
    r->device = e->info;
    if (memory && run_device(v, e, &f, &r->err))
        judge(v, x, &f, r);
    e->ops->free(e);
    free(f.intact);
    free(f.rows);
    free(f.done);
    return memory || abl_no_memory(err);
}

static bool check_named(struct verify *v, const struct expected *x, const char *device,
                        struct abl_err *err)
{
    struct engine *e;
    v->results = arena_alloc(&v->arena, 1, sizeof *v->results);
    if (!v->results)
        return abl_no_memory(err);
    v->n_results = 1;
    return engine_open(device, v->session->settings.n_threads, v->session->settings.precision, &e,
                       err)
           && check_device(v, x, e, v->results, err);
}

static bool check_each(struct verify *v, const struct expected *x, struct abl_err *err)
{
    struct device_info *list;
    char note[512];
    if (!engine_list(&list, &v->n_results, note, sizeof note, err))
        return false;
    v->results = arena_alloc(&v->arena, v->n_results, sizeof *v->results);
    bool ok = v->results || abl_no_memory(err);
    for (size_t i = 0; ok && i < v->n_results; i++) {
        struct verify_result *r = &v->results[i];
        struct engine *e = NULL;
        r->device = list[i];
        if (!(list[i].kind == DEVICE_CPU
                  ? cpu_engine_open(v->session->settings.n_threads, PRECISION_F32, &e, &r->err)
                  : vulkan_engine_open(&list[i], PRECISION_F32, &e, &r->err)))
            e = NULL;
        ok = check_device(v, x, e, r, err);
    }
    free(list);
    return ok;
}

bool verify_run(const struct settings *s, struct verify_limits limits, struct verify *out,
                struct abl_err *err)
{
    struct verify v = { 0 };
    struct expected x = { 0 };
    bool every = strcmp(s->device, "auto") == 0 || strcmp(s->device, "all") == 0;
    bool ok = session_open_cold(s, &v.session, err) && prompts_refuse(v.session->prompts, err)
              && pick_slice(&v, limits, err) && run_reference(&v, &x, err)
              && (every && s->precision == PRECISION_F32
                      ? check_each(&v, &x, err)
                      : check_named(&v, &x, every ? "auto" : s->device, err));
    if (!ok) {
        verify_release(&v);
        return false;
    }
    *out = v;
    return true;
}

void verify_release(struct verify *v)
{
    variants_release(&v->variants);
    session_free(v->session);
    arena_release(&v->arena);
    *v = (struct verify){ 0 };
}

static const struct verify_drift *first_failed(const struct verify_result *r)
{
    const struct verify_drift *d = r->drift;
    while (d->pass)
        d++;
    assert(d < r->drift + N_DRIFTS);
    return d;
}

static void device_label(const struct device_info *d, char *out, size_t size)
{
    if (d->kind == DEVICE_CPU)
        snprintf(out, size, "cpu");
    else
        snprintf(out, size, "vulkan:%" PRIu32 " (%s)", d->vulkan_index, d->name);
}

bool verify_passed(const struct verify *v, struct abl_err *err)
{
    for (size_t i = 0; i < v->n_results; i++) {
        const struct verify_result *r = &v->results[i];
        if (r->pass)
            continue;
        char device[320];
        device_label(&r->device, device, sizeof device);
        if (r->err.code != ABL_OK)
            return abl_fail(err, r->err.code, "device %s did not run: %s", device, r->err.text);
        const struct verify_drift *d = first_failed(r);
        return abl_fail(err, ABL_SELF_CHECK,
                        "device %s drifts from the reference: %s of %s in line %" PRIu32
                        " is %.9g, expected %.9g; do not use its results, choose another --device",
                        device, d->name, d->worst_variant, d->worst_line, d->worst_found,
                        d->worst_expected);
    }
    return true;
}
