#include <stdint.h>
#include <stdlib.h>

#include "report/compat.h"
#include "report/lab_run_parts.h"
#include "report/number.h"

static const char *lab_number(struct lab_reader *r, double value)
{
    char digits[NUMBER_SIZE];
    number_format(value, digits);
    number_with_point(digits);
    return arena_strdup(r->a, digits);
}

// The last of the metrics from now on; its values start missing.
static bool add_metric(struct lab_reader *r, const char *name)
{
    if (r->out->n_metrics == LAB_METRICS)
        return abl_fail(r->err, ABL_FAILED, "more than %d metrics", LAB_METRICS);
    r->out->metrics[r->out->n_metrics++] = name;
    return true;
}

// Runs under --compat tinylab have its metrics in a table of their own.
static bool read_compat(struct lab_reader *r)
{
    struct csv_table t;
    if (!lab_read_table(r, "compat", &t))
        return false;
    size_t variant = csv_table_column(&t, "variant");
    if (variant == SIZE_MAX)
        return abl_fail(r->err, ABL_BAD_DATA, "'%s' has no column \"variant\"", t.path);
    for (size_t m = 0; compat_metric_name(m); m++) {
        size_t column = csv_table_column(&t, compat_metric_name(m)), any = 0;
        for (size_t row = 0; column != SIZE_MAX && row < t.n_rows; row++)
            any += csv_table_cell(&t, row, column) != NULL;
        if (!any)
            continue;
        if (!add_metric(r, compat_metric_name(m)))
            return false;
        for (size_t row = 0; row < t.n_rows; row++) {
            struct lab_component *c
                = lab_component_of(r, csv_table_cell(&t, row, variant), lab_cell(&t, row, "seed"));
            if (c)
                c->values[r->out->n_metrics - 1] = csv_table_cell(&t, row, column);
        }
    }
    return true;
}

// Of our own conventions: which of its metrics are which of ours. Of patches it compares with the
// run that gives, we with the one that is patched: such a difference is not written.
static const struct ours {
    const char *name, *metric;
    bool is_delta; // less the intact run, whose sign is the other way round there
    bool of_patches;
    bool whole_answers; // in runs of --span full, else of first tokens; kl is of these in both
} ours[] = {
    { "logit_diff", "ld", false, true, false },     { "kl_div", "kl", false, false, false },
    { "p_drop", "prob", true, false, false },       { "seq_logprob_diff", "ld", false, true, true },
    { "seq_p_drop", "logprob", true, false, true },
};

static bool has(const struct lab_reader *r, const struct ours *m)
{
    bool fits = m->whole_answers == r->whole_answers || strcmp(m->metric, "kl") == 0;
    return fits && (m->of_patches || r->out->shape != LAB_LAYERS);
}

static bool read_ours(struct lab_reader *r, const struct ours *m)
{
    static const char *const names[] = { "metric", "value", "delta", "seed" };
    const struct csv_table *t = r->impact;
    size_t columns[4], last = 0;
    if (!lab_find_columns(r, t, names, 4, columns) || !add_metric(r, m->name))
        return false;
    for (size_t row = 0; row < t->n_rows; row++) {
        struct lab_component c = { 0 }, *to;
        if (lab_is_beside(r, row) || !lab_is(csv_table_cell(t, row, columns[0]), m->metric))
            continue;
        if (!lab_take(r, row, last++, &c))
            return false;
        const char *value = csv_table_cell(t, row, columns[m->is_delta ? 2 : 1]);
        to = lab_component_of(r, c.variant, csv_table_cell(t, row, columns[3]));
        if (m->is_delta && value && !(value = lab_number(r, -strtod(value, NULL))))
            return abl_no_memory(r->err);
        if (to)
            to->values[r->out->n_metrics - 1] = value;
    }
    return true;
}

// The share of rows whose most likely token is not the target.
static bool add_error_rate(struct lab_reader *r)
{
    struct lab_run *out = r->out;
    if (!add_metric(r, "acc_flip_rate"))
        return false;
    for (size_t i = 0; i < out->n; i++) {
        struct lab_component *c = &out->components[i];
        size_t n = 0, wrong = 0;
        for (size_t row = 0; row < out->n_rows; row++)
            if (c->predicted[row]) {
                n++;
                wrong += strcmp(c->predicted[row], out->target[row]) != 0;
            }
        const char *rate = n ? lab_number(r, (double)wrong / (double)n) : NULL;
        if (n && !rate)
            return abl_no_memory(r->err);
        c->values[out->n_metrics - 1] = rate;
    }
    return true;
}

bool lab_read_metrics(struct lab_reader *r)
{
    if (r->compat)
        return read_compat(r);
    lab_note(r,
             "not run with --compat tinylab: prompts are read at their own last token, and kl_div "
             "is exact");
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (has(r, &ours[i]) && !read_ours(r, &ours[i]))
            return false;
    if (r->out->shape == LAB_LAYERS)
        lab_note(r,
                 "kl_div and p_drop of patches are not written: tinyLab compares with the run that "
                 "gives, this run with the one that is patched");
    if (r->whole_answers)
        lab_note(r, "answers are scored whole: there is seq_logprob_diff, but no logit_diff and no "
                    "p_drop");
    return add_error_rate(r);
}
