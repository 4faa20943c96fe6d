#include "ui/sweep.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/stability.h"
#include "base/clock.h"
#include "experiments/experiments.h"
#include "plan/head_syntax.h"
#include "report/profile.h"
#include "report/report.h"
#include "session/estimates.h"
#include "session/readings.h"
#include "ui/detail.h"
#include "ui/sweep_parts.h"
#include "verify/drift.h"

bool sweep_new(const struct settings *settings, struct sweep **out, struct abl_err *err)
{
    struct sweep *s = calloc(1, sizeof *s);
    if (!s)
        return abl_no_memory(err);
    s->settings = *settings;
    *out = s;
    return true;
}

void measured_release(struct measured *m)
{
    if (m->ready) {
        results_release(&m->table);
        variants_release(&m->variants);
    }
    *m = (struct measured){ 0 };
}

bool estimates_init(struct estimates *e, size_t n, struct abl_err *err)
{
    size_t room = n ? n : 1;
    *e = (struct estimates){ .n = n };
    e->deltas = calloc(room, sizeof *e->deltas);
    e->recoveries = calloc(room, sizeof *e->recoveries);
    e->values = calloc(room, sizeof *e->values);
    e->made = calloc(room, sizeof *e->made);
    if (e->deltas && e->recoveries && e->values && e->made)
        return true;
    estimates_release(e);
    return abl_no_memory(err);
}

void estimates_release(struct estimates *e)
{
    free(e->deltas);
    free(e->recoveries);
    free(e->values);
    free(e->made);
    *e = (struct estimates){ 0 };
}

// Estimates are of one metric.
static void estimates_forget(struct estimates *e)
{
    if (e->made)
        memset(e->made, 0, e->n * sizeof *e->made);
}

static void forget_results(struct sweep *s)
{
    measured_release(&s->run);
    measured_release(&s->set);
    s->marks.n = 0;
    readings_release(&s->readings);
    s->has_readings = false;
    estimates_release(&s->estimates);
    coarse_forget(&s->coarse);
    s->seconds = 0;
    memset(s->spent, 0, sizeof s->spent);
    s->exported = 0;
}

static void unload(struct sweep *s)
{
    forget_results(s);
    session_free(s->session);
    s->session = NULL;
}

void sweep_free(struct sweep *s)
{
    if (!s)
        return;
    unload(s);
    free(s);
}

static void name_device(const struct device_info *d, char *out, size_t size)
{
    bool f32 = d->precision == PRECISION_F32;
    const char *space = f32 ? "" : " ", *precision = f32 ? "" : precision_name(d->precision);
    if (d->kind == DEVICE_CPU)
        snprintf(out, size, "cpu%s%s", space, precision);
    else
        snprintf(out, size, "vulkan%s%s: %.100s%s", space, precision, d->name,
                 d->kind == DEVICE_VULKAN_CPU ? " (software)" : "");
}

static void gather_facts(struct sweep *s)
{
    const struct session *session = s->session;
    struct facts *f = &s->facts;
    struct abl_err ignored;
    const struct prompts *p = session->prompts;
    *f = (struct facts){ .compat = compat_name(session->settings.compat),
                         .whole_answers = session->settings.whole_answers,
                         .shape = session->model->shape,
                         .n_rows = p->n,
                         .n_dropped = session->n_dropped + p->n_dropped,
                         .n_clusters = p->n_clusters };
    snprintf(f->model, sizeof f->model, "%s", session->model->name);
    snprintf(f->condition, sizeof f->condition, "%s", session->data->name);
    snprintf(f->split, sizeof f->split, "%s", split_name(session->data->split));
    name_device(&session->engine->info, f->device, sizeof f->device);
    snprintf(f->bos, sizeof f->bos, "%s",
             p->bos == TOKEN_NONE ? "none" : tokenizer_text(session->tokenizer, p->bos));
    if (!estimate_intact(session, METRIC_LD, &f->intact_ld, &ignored))
        f->intact_ld.mean = f->intact_ld.ci_lo = f->intact_ld.ci_hi = NAN;
    size_t right = 0;
    for (size_t i = 0; i < p->n; i++)
        right += session->intact[i].argmax == p->items[i].target;
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
    if (!s->session)
        return;
    const struct facts *f = &s->facts;
    char path[PATH_MAX];
    short_path(s->session->model->path, path, sizeof path);
    buf_printf(out, "%s: %s, %" PRIu32 " layers x %" PRIu32 " heads, from %s\n", f->model,
               f->shape.arch, f->shape.n_layers, f->shape.n_heads, path);
    buf_printf(out, "%s: %s, %s\n", f->device, s->session->engine->info.name,
               s->session->engine->info.driver);
    for (size_t i = 0; i < s->session->prompts->n_findings; i++)
        buf_printf(out, "\t!%s\n", s->session->prompts->findings[i].text);
}

void sweep_conclude(const struct sweep *s, struct buf *out)
{
    struct buf text = { 0 };
    if (s->session && s->run.ready)
        stability_text(s->session, &s->run.table, &text);
    // for the log alone
    if (text.len && !text.failed)
        buf_printf(out, "\t%s", text.data);
    buf_release(&text);
    profile_classes_text(s->spent, &text);
    if (text.len && !text.failed)
        buf_printf(out, "\t%s", text.data);
    buf_release(&text);
}

bool sweep_must_load(const struct sweep *s, const struct choice *c)
{
    bool patched = s->choice.experiment == EXPERIMENT_PATCH,
         patches = c->experiment == EXPERIMENT_PATCH;
    bool other_way = patched != patches || (patches && s->choice.direction != c->direction);
    return !s->session || strcmp(s->choice.model, c->model) || strcmp(s->choice.data, c->data)
           || strcmp(s->choice.device, c->device) || other_way;
}

// The part of the settings that the screen can change, the model and its rows aside.
static bool apply_choice(struct settings *to, const struct choice *c, struct arena *a,
                         struct abl_err *err)
{
    to->ablation = c->ablation;
    to->metric = c->metric;
    to->experiment = c->experiment;
    to->sites = c->sites;
    to->direction = c->direction;
    to->positions = arena_strdup(a, c->positions);
    if (*c->sets) {
        to->sets = arena_strdup(a, c->sets);
        to->pairs = to->triplets = NULL;
    }
    return (to->positions && (!*c->sets || to->sets)) || abl_no_memory(err);
}

// Whether two choices run the same variants over a model that stays loaded.
static bool same_variants(const struct choice *a, const struct choice *b)
{
    return ablation_same(a->ablation, b->ablation) && a->experiment == b->experiment
           && a->sites == b->sites && !strcmp(a->sets, b->sets)
           && !strcmp(a->positions, b->positions);
}

static bool load(struct sweep *s, const struct choice *c, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct settings settings = s->settings;
    settings.model = c->model;
    settings.data = c->data;
    settings.device = c->device;
    unload(s);
    bool ok
        = apply_choice(&settings, c, &scratch, err) && session_open(&settings, &s->session, err);
    arena_release(&scratch);
    if (ok)
        gather_facts(s);
    return ok;
}

bool measured_init(struct measured *m, size_t n_prompts, struct abl_err *err)
{
    m->ready = results_init(&m->table, &m->variants, n_prompts, err);
    if (!m->ready)
        variants_release(&m->variants);
    return m->ready;
}

static bool start_over(struct sweep *s, struct abl_err *err)
{
    forget_results(s);
    if (!experiment_variants(s->session, &s->run.variants, err)
        || !measured_init(&s->run, s->session->prompts->n, err))
        return false;
    s->number++;
    return estimates_init(&s->estimates, s->run.variants.n, err);
}

bool sweep_choose(struct sweep *s, const struct choice *c, bool restart, bool *loaded,
                  struct abl_err *err)
{
    bool must_load = sweep_must_load(s, c);
    bool over = restart || must_load || !s->run.ready || !same_variants(c, &s->choice);
    if (loaded)
        *loaded = must_load;
    if (must_load && !load(s, c, err))
        return false;
    if (c->metric != s->choice.metric) {
        estimates_forget(&s->estimates);
        estimates_forget(&s->coarse.estimates);
    }
    s->choice = *c;
    if (!apply_choice(&s->session->settings, c, &s->session->arena, err))
        return false;
    if (over && !start_over(s, err)) {
        unload(s);
        return false;
    }
    return true;
}

bool sweep_is_complete(const struct sweep *s)
{
    return s->run.ready && s->run.table.n_done == s->run.variants.n && s->has_readings;
}

struct progress {
    void (*report)(void *context);
    void *context;
    struct sweep *sweep;
    double started, before;
    double classes[N_TIME_CLASSES]; // when it began
};

static void progressed(void *context, const struct results *t, size_t variant)
{
    (void)t, (void)variant;
    struct progress *p = context;
    p->sweep->seconds = p->before + now_seconds() - p->started;
    p->report(p->context);
}

// What the engine's time has gone into so far; all 0 where it is not traced.
static void read_classes(const struct sweep *s, double seconds[N_TIME_CLASSES])
{
    static const struct trace none;
    const struct trace *trace = engine_trace(s->session->engine);
    trace_classes(trace ? trace : &none, seconds);
}

static struct progress begin(struct sweep *s, void (*report)(void *), void *context)
{
    struct progress p = { .report = report,
                          .context = context,
                          .sweep = s,
                          .started = now_seconds(),
                          .before = s->seconds };
    read_classes(s, p.classes);
    return p;
}

// Seconds that it took.
static double end(const struct progress *p)
{
    struct sweep *s = p->sweep;
    double after[N_TIME_CLASSES], took = now_seconds() - p->started;
    s->seconds = p->before + took;
    read_classes(s, after);
    for (int c = 0; c < N_TIME_CLASSES; c++)
        s->spent[c] += after[c] - p->classes[c];
    return took;
}

bool sweep_outline(struct sweep *s, atomic_bool *cancel, const atomic_uint *wanted,
                   void (*report)(void *), void *context, bool *ran, struct abl_err *err)
{
    *ran = false;
    if (coarse_is_complete(s))
        return true;
    struct progress p = begin(s, report, context);
    bool ok = coarse_run(s, cancel, wanted, progressed, &p, err);
    s->coarse.seconds += end(&p);
    *ran = s->coarse.session;
    return ok;
}

bool sweep_run(struct sweep *s, atomic_bool *cancel, const atomic_uint *wanted,
               void (*report)(void *), void *context, struct abl_err *err)
{
    struct progress p = begin(s, report, context);
    s->session->wanted = wanted;
    bool ok = session_run(s->session, &s->run.table, cancel, progressed, &p, err);
    s->session->wanted = NULL;
    if (ok && !s->has_readings) {
        readings_release(&s->readings);
        ok = s->has_readings
            = experiment_read(s->session, &s->run.table, cancel, &s->readings, err);
    }
    end(&p);
    return ok;
}

// Take over rows of single heads that the sweep has measured already.
static void reuse_singles(struct sweep *s)
{
    const struct variants *v = &s->set.variants;
    size_t n = s->set.table.n_prompts;
    for (size_t i = 0; i < v->n; i++) {
        size_t from = variants_find(&s->run.variants, &v->items[i]);
        if (from == NO_VARIANT || !s->run.table.done[from])
            continue;
        memcpy(s->set.table.rows + i * n, s->run.table.rows + from * n,
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
    // its rows are the other prompts
    if (marks->n < 2 || !s->session || !marks_fit(s, marks)
        || s->choice.experiment == EXPERIMENT_PATCH)
        return true;
    s->marks = *marks;
    struct head_set set = { s->marks.items, s->marks.n };
    struct ablation how;
    if (!experiment_ablation(s->session, &how, err)
        || !variants_sets(&set, 1, how, &s->set.variants, err)
        || !measured_init(&s->set, s->session->prompts->n, err))
        return false;
    reuse_singles(s);
    if (session_run(s->session, &s->set.table, cancel, NULL, NULL, err))
        return true;
    measured_release(&s->set);
    return false;
}

bool sweep_detail(struct sweep *s, const struct detail_ask *ask, atomic_bool *cancel,
                  struct detail **out, struct abl_err *err)
{
    bool fits = s->session && ask->run == s->number && ask->head.layer < s->facts.shape.n_layers
                && ask->head.head < s->facts.shape.n_heads;
    if (!fits)
        return abl_fail(err, ABL_FAILED, "another run has begun");
    return detail_make(s->session, s->run.ready ? &s->run.table : NULL, ask, s->choice.metric,
                       cancel, out, err);
}

static bool export_run(struct sweep *s, const char *path, char **written, struct abl_err *err)
{
    struct drift drift;
    if (!drift_measure(s->session, &s->run.table, &drift, err))
        return false;
    struct report r = { .session = s->session,
                        .drift = &drift,
                        .results = &s->run.table,
                        .readings = s->has_readings ? &s->readings : NULL,
                        .interrupted = !sweep_is_complete(s),
                        .seconds = s->seconds };
    return report_write(&r, path, written, err);
}

// The marked set as the run of its own that `--experiment sets` would have been.
static bool export_set(struct sweep *s, const char *path, char **written, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct settings *settings = &s->session->settings;
    struct head_set set = { s->marks.items, s->marks.n };
    struct drift drift;
    if (!drift_measure(s->session, &s->set.table, &drift, err))
        return false;
    struct report r = {
        .session = s->session, .drift = &drift, .results = &s->set.table, .seconds = s->seconds
    };
    settings->experiment = EXPERIMENT_SETS;
    settings->sets = head_set_label(&set, &scratch);
    path = path ? arena_printf(&scratch, "%s-sets", path) : NULL;
    bool ok = settings->sets ? report_write(&r, path, written, err) : abl_no_memory(err);
    settings->experiment = s->choice.experiment;
    settings->sets = NULL;
    arena_release(&scratch);
    return ok;
}

bool sweep_export(struct sweep *s, const char *path, struct buf *said, struct abl_err *err)
{
    char *heads = NULL, *set = NULL;
    const char *given = path && *path ? path : NULL;
    if (!s->session || !s->run.ready || (!s->run.table.n_done && !sweep_is_complete(s)))
        return abl_fail(err, ABL_FAILED, "nothing to export yet: nothing has been measured");
    bool with_set = s->set.ready && s->choice.experiment == EXPERIMENT_HEADS;
    bool ok = export_run(s, given, &heads, err) && (!with_set || export_set(s, given, &set, err));
    if (ok) {
        buf_printf(said, "exported %s%s%s", heads, set ? " and " : "", set ? set : "");
        s->exported = s->run.table.n_done;
    }
    free(heads);
    free(set);
    return ok;
}
