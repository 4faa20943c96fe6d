#include "session/results.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "plan/cells.h"

bool results_init(struct results *t, const struct variants *v, size_t n_prompts,
                  struct abl_err *err)
{
    *t = (struct results){ .variants = v, .n_prompts = n_prompts };
    size_t n = v->n ? v->n : 1; // an experiment may only read
    t->rows = calloc(n * n_prompts, sizeof *t->rows);
    t->done = calloc(n, sizeof *t->done);
    if (t->rows && t->done)
        return true;
    results_release(t);
    return abl_no_memory(err);
}

void results_release(struct results *t)
{
    free(t->rows);
    free(t->done);
    free(t->tinylab);
    free(t->cells);
    free(t->run);
    *t = (struct results){ 0 };
}

bool results_is_effect(const struct results *t, size_t variant)
{
    const struct variant *v = &t->variants->items[variant];
    for (size_t run = 0; run < v->n_runs; run++)
        if (!t->done[variant + run])
            return false;
    return v->role != ROLE_REPEAT;
}

const struct row_stats *results_run(const struct results *t, size_t variant, size_t run)
{
    return t->rows + (variant + run % t->variants->items[variant].n_runs) * t->n_prompts;
}

void workload_fold(const struct workload *w, const struct row_stats *run, struct row_stats *rows)
{
    if (w->answers)
        whole_answers_fold(w->answers, run, rows);
    else
        memcpy(rows, run, w->n_rows * sizeof *rows);
}

struct progress {
    const struct workload *workload;
    // [variant * prompts run + prompt]; the results' own rows where these are what is run
    struct row_stats *run;
    struct results *results;
    session_progress *report;
    void *context;
};

static void variants_finished(void *context, const size_t *variants, size_t n)
{
    struct progress *p = context;
    const struct whole_answers *answers = p->workload->answers;
    const struct tinylab_measure *tinylab = p->workload->tinylab;
    for (size_t i = 0; answers && i < n; i++) {
        const struct row_stats *run = p->run + variants[i] * answers->prompts.n;
        size_t first = variants[i] * p->results->n_prompts;
        whole_answers_fold(answers, run, p->results->rows + first);
        if (tinylab)
            tinylab_sum_sequences(tinylab, run, p->results->tinylab + first);
    }
    if (tinylab)
        journal_add_variants(p->results->journal, p->run, p->results->tinylab, variants, n);
    p->results->n_done += n;
    for (size_t i = 0; p->report && i < n; i++)
        p->report(p->context, p->results, variants[i]);
}

// tinyLab's measures are kept with their whole variants.
static bool keep_rows(void *context, size_t first, size_t n_rows, const size_t *variants, size_t n,
                      struct abl_err *err)
{
    struct progress *p = context;
    if (!p->workload->tinylab)
        journal_add_cells(p->results->journal, p->run, first, n_rows, variants, n);
    return journal_holds(p->results->journal, err);
}

bool results_begin(const struct workload *w, struct results *t, struct abl_err *err)
{
    size_t n = t->variants->n;
    t->n_run = w->answers ? w->answers->prompts.n : t->n_prompts;
    if (!t->cells && !(t->cells = calloc(cells_words(n, t->n_run), sizeof *t->cells)))
        return abl_no_memory(err);
    if (w->tinylab && !t->tinylab && !(t->tinylab = tinylab_rows_new(n * t->n_prompts)))
        return abl_no_memory(err);
    if (w->answers && !t->run && !(t->run = calloc(n * w->answers->prompts.n + 1, sizeof *t->run)))
        return abl_no_memory(err);
    return true;
}

void results_end(const struct workload *w, struct results *t)
{
    t->n_done = 0;
    for (size_t v = 0; v < t->variants->n; v++) {
        t->done[v] = cells_are_set(t->cells, v * t->n_run, t->n_run);
        t->n_done += t->done[v];
        if (t->done[v] && w->answers)
            whole_answers_fold(w->answers, t->run + v * t->n_run, t->rows + v * t->n_prompts);
    }
}

void results_take(struct results *t, const struct journal_record *r)
{
    struct row_stats *run = t->run ? t->run : t->rows;
    for (size_t i = 0; r->kind <= RECORD_VARIANTS && i < r->n_variants; i++) {
        size_t variant = r->variants[i], cell = variant * t->n_run + r->first;
        memcpy(run + cell, r->rows + i * r->n_rows, r->n_rows * sizeof *run);
        cells_set(t->cells, cell, r->n_rows);
        if (r->tinylab && t->tinylab)
            memcpy(t->tinylab + variant * t->n_prompts, r->tinylab + i * t->n_prompts,
                   t->n_prompts * sizeof *t->tinylab);
    }
}

bool workload_run(const struct workload *w, struct results *t, const atomic_uint *wanted,
                  atomic_bool *cancel, session_progress *progress, void *context,
                  struct abl_err *err)
{
    assert(t->n_prompts == w->n_rows);
    if (!results_begin(w, t, err))
        return false;
    if (w->tinylab)
        w->tinylab->rows = t->tinylab;
    struct row_stats *run = w->answers ? t->run : t->rows;
    struct progress p = { w, run, t, progress, context };
    struct forward_job job = { .variants = t->variants,
                               .done = t->done,
                               .cells = t->cells,
                               .rows = run,
                               .cancel = cancel,
                               .wanted = wanted,
                               .keep = t->journal ? keep_rows : NULL,
                               .finished = variants_finished,
                               .context = &p };
    return forward_run(w->forward, &job, err) && (!t->journal || journal_holds(t->journal, err));
}
