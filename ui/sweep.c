#include "ui/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/stability.h"
#include "base/clock.h"
#include "experiments/chosen.h"
#include "experiments/experiments.h"
#include "plan/head_set.h"
#include "report/profile.h"
#include "ui/sweep_parts.h"

bool sweep_new(const struct settings *settings, struct jobs *jobs, struct sweep **out,
               struct abl_err *err)
{
    struct sweep *s = calloc(1, sizeof *s);
    if (!s)
        return abl_no_memory(err);
    s->settings = s->base = *settings;
    s->jobs = jobs;
    s->choice.experiment = settings->experiment; // of pictures before the first run
    *out = s;
    return true;
}

static void forget_results(struct sweep *s)
{
    coarse_forget(&s->coarse); // which borrows the run's variants
    measured_release(&s->run);
    measured_release(&s->set);
    s->marks.n = 0;
    readings_release(&s->readings);
    lens_estimates_release(&s->lens);
    s->has_readings = false;
    s->seconds = 0;
    memset(s->spent, 0, sizeof s->spent);
    s->exported = 0;
}

void sweep_unload(struct sweep *s)
{
    forget_results(s);
    session_free(s->session);
    s->session = NULL;
}

void sweep_free(struct sweep *s)
{
    if (!s)
        return;
    sweep_unload(s);
    opened_run_free(s->opened);
    free(s);
}

void sweep_describe(const struct sweep *s, struct buf *out)
{
    if (s->session)
        facts_describe(&s->facts, s->session, out);
}

void sweep_conclude(const struct sweep *s, struct buf *out)
{
    struct buf text = { 0 };
    if (s->shows_opened)
        return;
    if (s->session && s->run.ready) {
        struct measured_rows measured = session_measured_rows(s->session);
        stability_text(&measured, &s->run.results, s->session->settings.metric, &text);
    }
    // for the log alone
    if (text.len && !text.failed)
        buf_printf(out, "\t%s", text.data);
    buf_release(&text);
    profile_classes_text(s->spent, &text);
    if (text.len && !text.failed)
        buf_printf(out, "\t%s", text.data);
    buf_release(&text);
}

// Whether the files of the run that is open have what is chosen.
static bool is_in_opened(const struct sweep *s, const struct choice *c, bool restart)
{
    return s->shows_opened && !restart && opened_run_has(s->opened, c);
}

bool sweep_must_load(const struct sweep *s, const struct choice *c)
{
    return !is_in_opened(s, c, false) && (!s->session || !choice_same_inputs(&s->choice, c));
}

static bool load(struct sweep *s, const struct choice *c, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct settings settings = s->settings;
    settings.model = c->model;
    settings.data = c->data;
    settings.device = c->device;
    sweep_unload(s);
    bool ok
        = choice_apply(c, &settings, &scratch, err) && session_open(&settings, &s->session, err);
    arena_release(&scratch);
    if (ok) {
        model_sha256_begin(s->session->model); // of what is exported, if anything is
        facts_gather(s->session, &s->facts);
    }
    return ok;
}

static bool start_over(struct sweep *s, struct abl_err *err)
{
    forget_results(s);
    if (!experiment_variants(s->session, &s->run.variants, err)
        || !measured_init(&s->run, s->session->prompts->n, err))
        return false;
    s->number++;
    return true;
}

bool sweep_load(struct sweep *s, const struct choice *c, struct abl_err *err)
{
    return load(s, c, err) && start_over(s, err);
}

bool sweep_choose(struct sweep *s, const struct choice *c, bool restart, bool *loaded,
                  struct abl_err *err)
{
    bool must_load = !s->session || !choice_same_inputs(&s->choice, c);
    if (is_in_opened(s, c, restart)) {
        s->choice = *c;
        if (loaded)
            *loaded = false;
        return true;
    }
    s->shows_opened = false;
    bool over = restart || must_load || !s->run.ready || !choice_same_variants(c, &s->choice);
    if (loaded)
        *loaded = must_load;
    if (must_load && !load(s, c, err))
        return false;
    if (c->metric != s->choice.metric) {
        live_effects_forget(&s->run.effects);
        live_effects_forget(&s->coarse.effects);
    }
    s->choice = *c;
    if (!choice_apply(c, &s->session->settings, &s->session->arena, err))
        return false;
    if (over && !start_over(s, err)) {
        sweep_unload(s);
        return false;
    }
    return true;
}

bool sweep_is_complete(const struct sweep *s)
{
    return s->shows_opened
           || (s->run.ready && s->run.results.n_done == s->run.variants.n && s->has_readings);
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
    const struct trace *trace = trace_of(s->session->engine);
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
    if (coarse_is_complete(&s->coarse))
        return true;
    struct progress p = begin(s, report, context);
    bool ok = coarse_prepare(&s->coarse, s->session, &s->run, err)
              && coarse_run(&s->coarse, &s->run, cancel, wanted, progressed, &p, err);
    s->coarse.seconds += end(&p);
    *ran = s->coarse.sample;
    return ok;
}

static bool read_run(struct sweep *s, atomic_bool *cancel, struct abl_err *err)
{
    struct measured_rows measured = session_measured_rows(s->session);
    struct readings *in = &s->readings;
    return experiment_read(s->session, &s->run.results, cancel, in, err)
           && (!in->lens
               || lens_estimates_make(&measured, &s->run.results, in->lens, &s->lens, err));
}

bool sweep_run(struct sweep *s, atomic_bool *cancel, const atomic_uint *wanted,
               void (*report)(void *), void *context, struct abl_err *err)
{
    struct progress p = begin(s, report, context);
    struct workload w = session_workload(s->session);
    bool ok = workload_run(&w, &s->run.results, wanted, cancel, progressed, &p, err);
    if (ok && !s->has_readings) {
        readings_release(&s->readings);
        lens_estimates_release(&s->lens);
        ok = s->has_readings = read_run(s, cancel, err);
    }
    end(&p);
    return ok;
}

// Take over rows of single heads that the sweep has measured already.
static void reuse_singles(struct sweep *s)
{
    const struct variants *v = &s->set.variants;
    size_t n = s->set.results.n_prompts;
    for (size_t i = 0; i < v->n; i++) {
        size_t from = variants_find(&s->run.variants, &v->items[i]);
        if (from == NO_VARIANT || !s->run.results.done[from])
            continue;
        memcpy(s->set.results.rows + i * n, s->run.results.rows + from * n,
               n * sizeof *s->set.results.rows);
        s->set.results.done[i] = true;
        s->set.results.n_done++;
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

// How heads are ablated in what is shown, with its donors.
static bool shown_ablation(const struct sweep *s, struct ablation *out, struct abl_err *err)
{
    struct ablations kinds;
    if (!chosen_ablations(s->session, &kinds, err))
        return false;
    *out = kinds.items[0];
    for (size_t i = 0; i < kinds.n; i++)
        if (ablation_same(&kinds.items[i], &s->choice.ablation))
            *out = kinds.items[i];
    return true;
}

// What is ablated of the marked set, and its heads one by one; or all heads but it.
static bool list_set(struct sweep *s, struct abl_err *err)
{
    struct head_set marked = { s->marks.items, s->marks.n }, others;
    struct variants *v = &s->set.variants;
    struct ablation how;
    struct arena a = { 0 };
    if (!shown_ablation(s, &how, err))
        return false;
    if (!s->marks.keep_only)
        return variants_sets(&marked, 1, how, v, err);
    bool ok = head_set_part(&marked, false, &s->facts.shape, &a, &others, err)
              && variants_init(v, 1, err);
    if (ok && !variants_add_set(v, &others, how, ROLE_SET, NO_VARIANT, NULL, err)) {
        variants_release(v);
        ok = false;
    }
    arena_release(&a);
    return ok;
}

static bool has_joint(const struct sweep *s, const struct marks *marks)
{
    return s->set.ready && marks_same(&s->marks, marks)
           && ablation_same(&s->set.variants.items[0].how, &s->choice.ablation);
}

bool sweep_joint(struct sweep *s, const struct marks *marks, atomic_bool *cancel,
                 struct abl_err *err)
{
    if (has_joint(s, marks))
        return true;
    measured_release(&s->set);
    s->marks.n = 0;
    // its rows are the other prompts
    if (marks_are_set(marks) && s->shows_opened && !sweep_opened_load(s, err))
        return false;
    if (!marks_are_set(marks) || !s->session || !marks_fit(s, marks)
        || s->choice.experiment->traits & READS_OTHER)
        return true;
    s->marks = *marks;
    if (!list_set(s, err) || !measured_init(&s->set, s->session->prompts->n, err))
        return false;
    reuse_singles(s);
    if (session_run(s->session, &s->set.results, cancel, NULL, NULL, err))
        return true;
    measured_release(&s->set);
    return false;
}

bool sweep_detail(struct sweep *s, const struct detail_ask *ask, atomic_bool *cancel,
                  struct detail **out, struct abl_err *err)
{
    if (s->shows_opened)
        return sweep_opened_detail(s, ask, cancel, out, err);
    bool fits = s->session && ask->run == s->number && ask->head.layer < s->facts.shape.n_layers
                && ask->head.head < s->facts.shape.n_heads;
    if (!fits)
        return abl_fail(err, ABL_FAILED, "another run has begun");
    return detail_make(s->session, s->run.ready ? &s->run.results : NULL, ask, s->choice.metric,
                       cancel, out, err);
}

bool sweep_say(struct sweep *s, const struct said_ask *ask, atomic_bool *cancel,
               void (*told)(void *context, const struct said *so_far), void *context)
{
    struct said said;
    if (!s->session || ask->run != s->number || ask->row >= s->session->prompts->n
        || !marks_fit(s, &ask->heads))
        return true;
    bool ok = said_make(s->session, ask, cancel, told, context, &said);
    if (ok)
        told(context, &said);
    return ok;
}
