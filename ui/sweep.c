#include "ui/sweep.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lab/select.h"
#include "report/report.h"

// A variant list with its results.
struct measured {
    struct variants variants;
    struct table table;
    bool ready;
};

struct sweep {
    struct run_settings settings;
    struct choice choice; // as loaded and run
    struct lab *lab;      // NULL while nothing is loaded
    struct facts facts;
    struct measured heads, set;
    struct marks marks;     // of set
    struct estimate *cells; // per variant of heads, where estimated
    double *values;
    bool *estimated;
    double seconds;
    size_t exported; // heads that were finished at the last export
};

bool sweep_new(const struct run_settings *settings, struct sweep **out, struct abl_err *err)
{
    struct sweep *s = calloc(1, sizeof *s);
    if (!s)
        return abl_no_memory(err);
    s->settings = *settings;
    s->settings.experiment = EXPERIMENT_HEADS;
    s->settings.sets = NULL;
    *out = s;
    return true;
}

static void measured_release(struct measured *m)
{
    if (m->ready) {
        table_release(&m->table);
        variants_release(&m->variants);
    }
    *m = (struct measured){ 0 };
}

static void forget_results(struct sweep *s)
{
    measured_release(&s->heads);
    measured_release(&s->set);
    s->marks.n = 0;
    free(s->cells);
    free(s->values);
    free(s->estimated);
    s->cells = NULL;
    s->values = NULL;
    s->estimated = NULL;
    s->seconds = 0;
    s->exported = 0;
}

static void unload(struct sweep *s)
{
    forget_results(s);
    lab_free(s->lab);
    s->lab = NULL;
}

void sweep_free(struct sweep *s)
{
    if (!s)
        return;
    unload(s);
    free(s);
}

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void name_device(const struct device_info *d, char *out, size_t size)
{
    if (d->kind == DEVICE_CPU)
        snprintf(out, size, "cpu");
    else
        snprintf(out, size, "vulkan: %.100s%s", d->name,
                 d->kind == DEVICE_VULKAN_CPU ? " (software)" : "");
}

static void gather_facts(struct sweep *s)
{
    const struct lab *lab = s->lab;
    struct facts *f = &s->facts;
    struct abl_err ignored;
    const struct prompts *p = lab->prompts;
    *f = (struct facts){ .shape = lab->model->shape,
                         .n_rows = p->n,
                         .n_dropped = lab->n_dropped + p->n_dropped,
                         .n_clusters = p->n_clusters };
    snprintf(f->model, sizeof f->model, "%s", lab->model->name);
    snprintf(f->condition, sizeof f->condition, "%s", lab->data->name);
    snprintf(f->split, sizeof f->split, "%s", split_name(lab->data->split));
    name_device(&lab->engine->info, f->device, sizeof f->device);
    snprintf(f->bos, sizeof f->bos, "%s",
             p->bos == TOKEN_NONE ? "none" : tokenizer_text(lab->tokenizer, p->bos));
    if (!lab_estimate_intact(lab, METRIC_LD, &f->intact_ld, &ignored))
        f->intact_ld.mean = f->intact_ld.ci_lo = f->intact_ld.ci_hi = NAN;
    size_t right = 0;
    for (size_t i = 0; i < p->n; i++)
        right += lab->intact[i].argmax == p->items[i].target;
    f->accuracy = p->n ? (double)right / (double)p->n : NAN;
    for (size_t i = 0; i < p->n_findings; i++)
        if (p->findings[i].level == FINDING_WARNING && !f->n_warnings++)
            snprintf(f->warning, sizeof f->warning, "%s", p->findings[i].text);
}

// The part of a path below a folder; NULL if it lies elsewhere.
static const char *below(const char *path, const char *folder)
{
    size_t len = folder ? strlen(folder) : 0;
    bool inside = len > 1 && strncmp(path, folder, len) == 0 && path[len] == '/';
    return inside ? path + len + 1 : NULL;
}

// As one would type it: from here, or from home.
static void short_path(const char *path, char *out, size_t size)
{
    char here[PATH_MAX];
    const char *rest = below(path, getcwd(here, sizeof here));
    const char *home = rest ? NULL : below(path, getenv("HOME"));
    snprintf(out, size, "%s%s", home ? "~/" : "", rest ? rest : home ? home : path);
}

void sweep_describe(const struct sweep *s, struct buf *out)
{
    if (!s->lab)
        return;
    const struct facts *f = &s->facts;
    char path[PATH_MAX];
    short_path(s->lab->model->path, path, sizeof path);
    buf_printf(out, "%s: %s, %" PRIu32 " layers x %" PRIu32 " heads, from %s\n", f->model,
               f->shape.arch, f->shape.n_layers, f->shape.n_heads, path);
    buf_printf(out, "%s: %s, %s\n", f->device, s->lab->engine->info.name,
               s->lab->engine->info.driver);
    for (size_t i = 0; i < s->lab->prompts->n_findings; i++)
        buf_printf(out, "!%s\n", s->lab->prompts->findings[i].text);
}

bool sweep_must_load(const struct sweep *s, const struct choice *c)
{
    return !s->lab || strcmp(s->choice.model, c->model) || strcmp(s->choice.data, c->data)
           || strcmp(s->choice.device, c->device);
}

static bool load(struct sweep *s, const struct choice *c, struct abl_err *err)
{
    struct run_settings settings = s->settings;
    settings.model = c->model;
    settings.data = c->data;
    settings.device = c->device;
    settings.ablation = c->ablation;
    settings.metric = c->metric;
    unload(s);
    if (!lab_open(&settings, &s->lab, err))
        return false;
    gather_facts(s);
    return true;
}

static bool measured_init(struct measured *m, size_t n_prompts, struct abl_err *err)
{
    m->ready = table_init(&m->table, &m->variants, n_prompts, err);
    if (!m->ready)
        variants_release(&m->variants);
    return m->ready;
}

static bool start_over(struct sweep *s, struct abl_err *err)
{
    forget_results(s);
    if (!lab_variants(s->lab, &s->heads.variants, err)
        || !measured_init(&s->heads, s->lab->prompts->n, err))
        return false;
    size_t n = s->heads.variants.n;
    s->cells = calloc(n, sizeof *s->cells);
    s->values = calloc(n, sizeof *s->values);
    s->estimated = calloc(n, sizeof *s->estimated);
    return (s->cells && s->values && s->estimated) || abl_no_memory(err);
}

bool sweep_choose(struct sweep *s, const struct choice *c, bool restart, bool *loaded,
                  struct abl_err *err)
{
    bool must_load = sweep_must_load(s, c);
    bool over = restart || must_load || !s->heads.ready
                || c->ablation.scale != s->choice.ablation.scale
                || c->ablation.value_bias != s->choice.ablation.value_bias;
    if (loaded)
        *loaded = must_load;
    if (must_load && !load(s, c, err))
        return false;
    if (s->estimated && c->metric != s->choice.metric)
        memset(s->estimated, 0, s->heads.variants.n * sizeof *s->estimated);
    s->choice = *c;
    s->lab->settings.ablation = c->ablation;
    s->lab->settings.metric = c->metric;
    if (over && !start_over(s, err)) {
        unload(s);
        return false;
    }
    return true;
}

bool sweep_is_complete(const struct sweep *s)
{
    return s->heads.ready && s->heads.table.n_done == s->heads.variants.n;
}

struct progress {
    void (*report)(void *context);
    void *context;
    struct sweep *sweep;
    double started, before;
};

static void progressed(void *context, const struct table *t, size_t variant)
{
    (void)t, (void)variant;
    struct progress *p = context;
    p->sweep->seconds = p->before + now_seconds() - p->started;
    p->report(p->context);
}

bool sweep_run(struct sweep *s, atomic_bool *cancel, void (*report)(void *), void *context,
               struct abl_err *err)
{
    struct progress p = { report, context, s, now_seconds(), s->seconds };
    bool ok = lab_run(s->lab, &s->heads.table, cancel, progressed, &p, err);
    s->seconds = p.before + now_seconds() - p.started;
    return ok;
}

// Take over rows of single heads that the sweep has measured already.
static void reuse_singles(struct sweep *s)
{
    const struct variants *v = &s->set.variants;
    size_t n = s->set.table.n_prompts;
    for (size_t i = 0; i < v->n; i++) {
        size_t from = variants_find(&s->heads.variants, v->items[i].label);
        if (from == SIZE_MAX || !s->heads.table.done[from])
            continue;
        memcpy(s->set.table.rows + i * n, s->heads.table.rows + from * n,
               n * sizeof *s->set.table.rows);
        s->set.table.done[i] = true;
        s->set.table.n_done++;
    }
}

// Marks of a larger model may arrive before the interface knows the new shape.
static bool marks_fit(const struct sweep *s, const struct marks *marks)
{
    for (size_t i = 0; i < marks->n; i++)
        if (marks->items[i].layer >= s->facts.shape.n_layers
            || marks->items[i].head >= s->facts.shape.n_heads)
            return false;
    return true;
}

static bool same_marks(const struct marks *a, const struct marks *b)
{
    return a->n == b->n && !memcmp(a->items, b->items, a->n * sizeof *a->items);
}

bool sweep_joint(struct sweep *s, const struct marks *marks, atomic_bool *cancel,
                 struct abl_err *err)
{
    if (s->set.ready && same_marks(&s->marks, marks))
        return true;
    measured_release(&s->set);
    s->marks.n = 0;
    if (marks->n < 2 || !s->lab || !marks_fit(s, marks))
        return true;
    s->marks = *marks;
    struct head_set set = { s->marks.items, s->marks.n };
    if (!variants_sets(&set, 1, s->choice.ablation, &s->set.variants, err)
        || !measured_init(&s->set, s->lab->prompts->n, err))
        return false;
    reuse_singles(s);
    if (lab_run(s->lab, &s->set.table, cancel, NULL, NULL, err))
        return true;
    measured_release(&s->set);
    return false;
}

// Mean of the metric itself while the head is ablated.
static double mean_value(const struct sweep *s, size_t variant)
{
    const struct table *t = &s->heads.table;
    const struct metric_info *m = metric_info(s->choice.metric);
    double sum = 0;
    for (size_t i = 0; i < t->n_prompts; i++)
        sum += m->value(&t->rows[variant * t->n_prompts + i], &s->lab->intact[i]);
    return sum / (double)t->n_prompts;
}

static bool estimate_finished(struct sweep *s, struct abl_err *err)
{
    for (size_t v = 0; v < s->heads.variants.n; v++) {
        if (!s->heads.table.done[v] || s->estimated[v])
            continue;
        if (!lab_estimate(s->lab, &s->heads.table, v, s->choice.metric, false, &s->cells[v], err))
            return false;
        s->values[v] = mean_value(s, v);
        s->estimated[v] = true;
    }
    return true;
}

static bool fill_cells(const struct sweep *s, struct snapshot *p, struct abl_err *err)
{
    static const struct estimate missing
        = { .mean = NAN, .se = NAN, .ci_lo = NAN, .ci_hi = NAN, .p = NAN, .q = NAN };
    size_t n = (size_t)p->n_layers * p->n_heads;
    for (size_t i = 0; i < n; i++)
        p->cells[i] = missing;
    for (size_t v = 0; v < s->heads.variants.n; v++) {
        const struct edit *e = s->heads.variants.items[v].edits;
        size_t at = snapshot_at(p, (struct head){ e->layer, e->head });
        p->states[at] = s->estimated[v] ? CELL_DONE : CELL_WAITING;
        if (!s->estimated[v])
            continue;
        p->cells[at] = s->cells[v];
        p->values[at] = s->values[v];
        p->done++;
    }
    p->total = s->heads.variants.n;
    return stats_fdr(p->cells, n, err) && snapshot_rescale(p, err);
}

// Sum over the marked heads of each row's single effects.
static bool estimate_sum(const struct sweep *s, const size_t *singles, struct estimate *out,
                         struct abl_err *err)
{
    const struct table *t = &s->set.table;
    double *column = calloc(t->n_prompts, sizeof *column);
    if (!column)
        return abl_no_memory(err);
    for (size_t i = 0; i < t->n_prompts; i++)
        for (size_t k = 0; k < s->marks.n; k++)
            column[i] += metric_delta(s->choice.metric, &t->rows[singles[k] * t->n_prompts + i],
                                      &s->lab->intact[i]);
    bool ok = stats_estimate(s->lab->resampler, column, true, out, err);
    free(column);
    return ok;
}

static bool estimate_joint(const struct sweep *s, struct joint *out, struct abl_err *err)
{
    const struct table *t = &s->set.table;
    size_t singles[MAX_MARKS], joint = SIZE_MAX;
    for (size_t i = 0; i < s->set.variants.n; i++)
        if (s->set.variants.items[i].n_edits == s->marks.n)
            joint = i;
    bool found = joint != SIZE_MAX;
    for (size_t k = 0; k < s->marks.n; k++) {
        char label[32];
        snprintf(label, sizeof label, "%" PRIu32 ":%" PRIu32, s->marks.items[k].layer,
                 s->marks.items[k].head);
        singles[k] = variants_find(&s->set.variants, label);
        found = found && singles[k] != SIZE_MAX;
    }
    if (!found)
        return abl_fail(err, ABL_FAILED, "the marked set was not planned");
    out->marks = s->marks;
    return lab_estimate(s->lab, t, joint, s->choice.metric, false, &out->joint, err)
           && estimate_sum(s, singles, &out->sum, err)
           && lab_interaction(s->lab, t, joint, singles, s->marks.n, s->choice.metric,
                              &out->interaction, err);
}

static bool fill_snapshot(struct sweep *s, struct snapshot *p, struct abl_err *err)
{
    p->has_facts = true;
    p->facts = s->facts;
    p->seconds = s->seconds;
    if (!lab_estimate_intact(s->lab, s->choice.metric, &p->intact, err)
        || !estimate_finished(s, err) || !fill_cells(s, p, err))
        return false;
    p->has_joint = s->set.ready;
    return !p->has_joint || estimate_joint(s, &p->joint, err);
}

bool sweep_snapshot(struct sweep *s, enum run_phase phase, struct snapshot **out,
                    struct abl_err *err)
{
    bool ready = s->lab && s->heads.ready;
    struct snapshot *p = ready ? snapshot_new(s->facts.shape.n_layers, s->facts.shape.n_heads)
                               : snapshot_new(0, 0);
    if (!p)
        return abl_no_memory(err);
    p->phase = phase;
    p->ablation = s->choice.ablation;
    p->metric = s->choice.metric;
    p->alpha = s->settings.alpha;
    if (ready && !fill_snapshot(s, p, err)) {
        snapshot_free(p);
        return false;
    }
    *out = p;
    return true;
}

static bool export_heads(struct sweep *s, const char *path, char **written, struct abl_err *err)
{
    struct report r = { .lab = s->lab,
                        .table = &s->heads.table,
                        .interrupted = !sweep_is_complete(s),
                        .seconds = s->seconds };
    return report_write(&r, path, written, err);
}

// The marked set as the run of its own that `--experiment sets` would have been.
static bool export_set(struct sweep *s, const char *path, char **written, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct run_settings *settings = &s->lab->settings;
    struct head_set set = { s->marks.items, s->marks.n };
    struct report r = { .lab = s->lab, .table = &s->set.table, .seconds = s->seconds };
    settings->experiment = EXPERIMENT_SETS;
    settings->sets = head_set_label(&set, &scratch);
    path = path ? arena_printf(&scratch, "%s-sets", path) : NULL;
    bool ok = settings->sets ? report_write(&r, path, written, err) : abl_no_memory(err);
    settings->experiment = EXPERIMENT_HEADS;
    settings->sets = NULL;
    arena_release(&scratch);
    return ok;
}

bool sweep_export(struct sweep *s, const char *path, struct buf *said, struct abl_err *err)
{
    char *heads = NULL, *set = NULL;
    const char *given = path && *path ? path : NULL;
    if (!s->lab || !s->heads.ready || !s->heads.table.n_done)
        return abl_fail(err, ABL_FAILED, "nothing to export yet: no head has been measured");
    bool ok
        = export_heads(s, given, &heads, err) && (!s->set.ready || export_set(s, given, &set, err));
    if (ok) {
        buf_printf(said, "exported %s%s%s", heads, set ? " and " : "", set ? set : "");
        s->exported = s->heads.table.n_done;
    }
    free(heads);
    free(set);
    return ok;
}
