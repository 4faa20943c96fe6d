// baseline.csv, rows.csv, per_example.csv and span.csv: prompt by prompt, in the intact run, as the
// data names it and under each variant.
#include <inttypes.h>

#include "base/buf.h"
#include "report/columns.h"
#include "report/tables.h"

// A prompt's stats in each run of a variant that takes from several donors: n_runs of them.
static uint32_t n_runs(const struct table_row *row)
{
    return row->variant ? row->variant->n_runs : 1;
}

static const struct row_stats *run_of(const struct table_row *row, uint32_t run)
{
    return row->stats + run * row->report->results->n_prompts;
}

static double mean(enum metric m, const struct table_row *row,
                   double (*f)(enum metric m, const struct row_stats *row,
                               const struct row_stats *intact))
{
    double sum = 0;
    for (uint32_t run = 0; run < n_runs(row); run++)
        sum += f(m, run_of(row, run), row->intact);
    return sum / n_runs(row);
}

static double value(enum metric m, const struct table_row *row)
{
    return mean(m, row, metric_value);
}

// Whether all runs gave one rank, and one top token: else there is none to show.
static bool one_rank(const struct table_row *row)
{
    for (uint32_t run = 1; run < n_runs(row); run++)
        if (run_of(row, run)->rank != row->stats->rank)
            return false;
    return true;
}

static bool one_argmax(const struct table_row *row)
{
    for (uint32_t run = 1; run < n_runs(row); run++)
        if (run_of(row, run)->argmax != row->stats->argmax)
            return false;
    return true;
}

// A prompt under a variant, in the intact run where that is NULL.
static void put_prompt(struct sheet *s, const struct report *r, const struct variant *v, size_t i,
                       const struct row_stats *stats)
{
    sheet_row(s, &(struct table_row){ .report = r,
                                      .variant = v,
                                      .prompt = &r->session->prompts->items[i],
                                      .stats = stats,
                                      .intact = &r->session->intact[i] });
}

static void put_intact(const struct report *r, const struct effects *effects, struct sheet *s)
{
    (void)effects;
    for (size_t i = 0; i < r->session->prompts->n; i++)
        put_prompt(s, r, NULL, i, &r->session->intact[i]);
}

static void put_variants(const struct report *r, const struct effects *effects, struct sheet *s)
{
    (void)effects;
    const struct results *results = r->results;
    for (size_t v = 0; v < results->variants->n; v++)
        for (size_t i = 0; results_is_effect(results, v) && i < results->n_prompts; i++)
            put_prompt(s, r, &results->variants->items[v], i, &results_run(results, v, 0)[i]);
}

static void put_both(const struct report *r, const struct effects *effects, struct sheet *s)
{
    put_intact(r, effects, s);
    put_variants(r, effects, s);
}

CELL(cell_cluster, uint, row->prompt->cluster)
CELL(cell_n_tokens, uint, row->prompt->n_ids)
CELL(cell_ld, number, value(METRIC_LD, row))
CELL(cell_logprob, number, value(METRIC_LOGPROB, row))
CELL(cell_prob, number, value(METRIC_PROB, row))
CELL(cell_rank, uint, row->stats->rank)
CELL(cell_entropy, float, row->stats->entropy)
CELL(cell_pred_id, uint, row->stats->argmax)
CELL(cell_target_id, uint, row->prompt->target)
CELL(cell_foil_id, uint, row->prompt->foil)

// "17", or "17|99" of several.
static void put_ids(struct sheet *s, struct id_list list)
{
    struct buf text = { 0 };
    for (uint32_t i = 0; i < list.n; i++)
        buf_printf(&text, "%s%" PRIu32, i ? "|" : "", list.ids[i]);
    s->out->failed |= text.failed;
    sheet_text(s, text.failed ? "" : text.data);
    buf_release(&text);
}

static void cell_target_ids(struct sheet *s, const struct table_row *row)
{
    put_ids(s, prompt_targets(row->prompt));
}

static void cell_foil_ids(struct sheet *s, const struct table_row *row)
{
    put_ids(s, prompt_foils(row->prompt));
}

#define LD_COLUMN                                                                                  \
    COLUMN("ld", CELL_NUMBER, "logits",                                                            \
           "logit of the target minus logit of the foil; of a list's logits their mean, with "     \
           "--answers lse their log-sum-exp",                                                      \
           cell_ld)
#define LOGPROB_COLUMN                                                                             \
    COLUMN("logprob", CELL_NUMBER, "nats",                                                         \
           "log-probability of the target, of a list that of any of its tokens", cell_logprob)
#define RANK_COLUMN                                                                                \
    COLUMN("rank", CELL_INTEGER, "tokens",                                                         \
           "that score above the target, of a list above its best", cell_rank)
#define PRED_ID_COLUMN                                                                             \
    COLUMN("pred_id", CELL_INTEGER, "", "the token that scores highest", cell_pred_id)

#define N_TOKENS_COLUMN                                                                            \
    COLUMN("n_tokens", CELL_INTEGER, "tokens", "of the prompt, a BOS included", cell_n_tokens)

static const struct column baseline_columns[] = {
    CONDITION_COLUMN,
    ROW_COLUMN,
    { "cluster", CELL_INTEGER, "", "number from 0: rows of one are resampled together",
      cell_cluster },
    N_TOKENS_COLUMN,
    LD_COLUMN,
    LOGPROB_COLUMN,
    { "prob", CELL_NUMBER, "", "probability of the target, of a list the sum of its tokens'",
      cell_prob },
    RANK_COLUMN,
    { "entropy", CELL_NUMBER, "nats", "of the predicted distribution", cell_entropy },
    PRED_ID_COLUMN,
    { "target_id", CELL_INTEGER, "", "the target's first token, of a list the first one's",
      cell_target_id },
    { "foil_id", CELL_INTEGER, "", "the foil's first token, of a list the first one's",
      cell_foil_id },
    { "target_ids", CELL_TEXT, "",
      "the target's first token, of a list each one's, a bar between them", cell_target_ids },
    { "foil_ids", CELL_TEXT, "", "likewise of the foil", cell_foil_ids },
};

const struct table table_baseline = {
    .name = "baseline",
    .row = "a row of the data in the intact run",
    COLUMNS(baseline_columns),
    .put_rows = put_intact,
};

CELL(cell_id, text, row->prompt->row->id)
CELL(cell_template, text, row->prompt->row->template_name)
CELL(cell_cluster_name, text, row->prompt->row->cluster)

static const struct column row_columns[] = {
    CONDITION_COLUMN,
    ROW_COLUMN,
    { "id", CELL_TEXT | CELL_OR_NONE, "", "as the data says; missing where it does not", cell_id },
    { "template", CELL_TEXT | CELL_OR_NONE, "", "as the data says; missing where it does not",
      cell_template },
    { "cluster", CELL_TEXT | CELL_OR_NONE, "", "as the data says; missing where it does not",
      cell_cluster_name },
    N_TOKENS_COLUMN,
};

const struct table table_rows = {
    .name = "rows",
    .row = "a row of the data, as its file names it: tables with a row join by condition and row",
    COLUMNS(row_columns),
    .put_rows = put_intact,
};

static void cell_kl(struct sheet *s, const struct table_row *row)
{
    if (n_runs(row) > 1)
        sheet_number(s, value(METRIC_KL, row));
    else
        sheet_float(s, row->stats->kl);
}

static void cell_one_rank(struct sheet *s, const struct table_row *row)
{
    if (one_rank(row))
        sheet_uint(s, row->stats->rank);
    else
        sheet_missing(s);
}

static void cell_one_pred_id(struct sheet *s, const struct table_row *row)
{
    if (one_argmax(row))
        sheet_uint(s, row->stats->argmax);
    else
        sheet_missing(s);
}

static void cell_flip(struct sheet *s, const struct table_row *row)
{
    if (one_argmax(row))
        sheet_bool(s, row->stats->argmax != row->intact->argmax);
    else
        sheet_missing(s);
}

CELL(cell_delta_ld, number, mean(METRIC_LD, row, metric_delta))

static const struct column example_columns[] = {
    VARIANT_COLUMN,
    CONDITION_COLUMN,
    ABLATE_COLUMN,
    SCALE_COLUMN,
    ROW_COLUMN,
    LD_COLUMN,
    { "delta_ld", CELL_NUMBER, "logits", "difference of ld from the intact run", cell_delta_ld },
    LOGPROB_COLUMN,
    { "kl", CELL_NUMBER, "nats", "divergence of the prediction from the intact run's", cell_kl },
    { "rank", CELL_INTEGER | CELL_OR_NONE, "tokens",
      "that score above the target; missing where donors differ", cell_one_rank },
    { "pred_id", CELL_INTEGER | CELL_OR_NONE, "",
      "the token that scores highest; missing where donors differ", cell_one_pred_id },
    { "flip", CELL_BOOLEAN | CELL_OR_NONE, "",
      "whether that is another token than in the intact run; likewise", cell_flip },
};

const struct table table_per_example = {
    .name = "per_example",
    .row = "a row of the data under a variant, the mean over its donors where it has several",
    COLUMNS(example_columns),
    .roles = ANY_ROLE,
    .put_rows = put_variants,
};

CELL(cell_any_run, text, row->variant ? row->variant->label : "intact")
CELL(cell_n_target, uint, row->prompt->n_target_ids)
CELL(cell_n_foil, uint, row->prompt->n_foil_ids)
CELL(cell_target, float, row->stats->target_logit)
CELL(cell_foil, float, row->stats->foil_logit)
CELL(cell_target_share, number, (double)row->stats->target_logit / row->prompt->n_target_ids)
CELL(cell_foil_share, number, (double)row->stats->foil_logit / row->prompt->n_foil_ids)

static const struct column span_columns[] = {
    CONDITION_COLUMN,
    { "variant", CELL_TEXT, "", "what was changed, as its label, or intact", cell_any_run },
    ROW_COLUMN,
    { "n_target", CELL_INTEGER, "tokens", "of the target", cell_n_target },
    { "n_foil", CELL_INTEGER, "tokens", "of the foil", cell_n_foil },
    { "target_logprob", CELL_NUMBER, "nats", "log-probability of the whole target", cell_target },
    { "foil_logprob", CELL_NUMBER, "nats", "log-probability of the whole foil", cell_foil },
    { "target_logprob_per_token", CELL_NUMBER, "nats", "the same over its tokens",
      cell_target_share },
    { "foil_logprob_per_token", CELL_NUMBER, "nats", "the same over its tokens", cell_foil_share },
};

static bool has_whole_answers(const struct report *r)
{
    return r->session->answers;
}

const struct table table_span = {
    .name = "span",
    .row = "the answers to a row of the data, in the intact run and under a variant",
    COLUMNS(span_columns),
    .roles = ANY_ROLE,
    .is_of = has_whole_answers,
    .when = "--span full",
    .put_rows = put_both,
};
