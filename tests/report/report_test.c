// What a run's tables and documents say, against sums made here from the same rows.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analysis/estimates.h"
#include "experiments/experiments.h"
#include "report/config.h"
#include "report/provenance.h"
#include "report/write.h"
#include "tests/support/report_example.h"

static double mean_delta(const struct example *e, size_t v, enum metric m)
{
    double sum = 0.0;
    for (size_t i = 0; i < ROWS; i++)
        sum += metric_delta(m, &e->results.rows[v * ROWS + i], &e->intact[i]);
    return sum / ROWS;
}

static double mean_value(const struct example *e, size_t v, enum metric m)
{
    double sum = 0.0;
    for (size_t i = 0; i < ROWS; i++)
        sum += metric_value(m, &e->results.rows[v * ROWS + i], &e->intact[i]);
    return sum / ROWS;
}

// Three clusters are too few to test; six are not, so that each row becomes one.
static void own_clusters(struct example *e)
{
    struct abl_err err = { 0 };
    uint32_t own[ROWS];
    for (uint32_t i = 0; i < ROWS; i++)
        own[i] = e->items[i].cluster = i;
    e->prompts.n_clusters = ROWS;
    resampler_free(e->session.resampler);
    must(resampler_new(own, ROWS, ROWS, 100, 7, 0.05, &e->session.resampler, &err), &err);
}

// All 64 sign patterns of six rows.
static double sign_flip_p(const struct example *e, size_t v, enum metric m)
{
    double deltas[ROWS], observed = 0.0;
    int hits = 0;
    for (size_t i = 0; i < ROWS; i++)
        observed += deltas[i] = metric_delta(m, &e->results.rows[v * ROWS + i], &e->intact[i]);
    for (int bits = 0; bits < 64; bits++) {
        double sum = 0.0;
        for (int i = 0; i < ROWS; i++)
            sum += bits >> i & 1 ? -deltas[i] : deltas[i];
        hits += fabs(sum) >= fabs(observed) - 1e-12;
    }
    return hits / 64.0;
}

static void p_is(const struct sheet_read *s, size_t row, const struct example *e, size_t v,
                 enum metric m)
{
    if (m == METRIC_KL || m == METRIC_FLIP)
        cell_is(s, row, "p", ""); // never below 0: flips of signs say nothing
    else
        cell_near(s, row, "p", sign_flip_p(e, v, m));
}

static void baseline_holds_the_intact_rows(void **state)
{
    struct example *e = example_new(&experiment_heads);
    static const uint32_t targets[] = { 24, 17, 30 }, foil = 94;
    const struct answer_lists lists = { .targets = { targets, 3 }, .foils = { &foil, 1 } };
    e->items[4].lists = &lists;
    char *dir = write_report(e, *state, "run");
    struct sheet_read *s = sheet_open(dir, "metrics/baseline.csv");
    header_is(
        s, "condition,row,cluster,n_tokens,ld,logprob,prob,rank,entropy,pred_id,target_id,foil_id,"
           "target_ids,foil_ids");
    assert_int_equal(s->n_lines, ROWS + 1);
    cell_is(s, 4, "condition", "facts");
    cell_is(s, 4, "row", "9");
    cell_is(s, 4, "cluster", "0");
    cell_is(s, 4, "n_tokens", "9");
    cell_is(s, 4, "ld", "1.5"); // (2 + 4/8 - 4/64) - (1 - 1/16)
    cell_is(s, 4, "rank", "0");
    cell_is(s, 4, "entropy", "1.5625");
    cell_is(s, 4, "pred_id", "24");
    cell_is(s, 4, "target_id", "24");
    cell_is(s, 4, "foil_id", "94");
    cell_is(s, 4, "target_ids", "24|17|30");
    cell_is(s, 4, "foil_ids", "94");
    cell_is(s, 3, "target_ids", "22");
    for (size_t i = 0; i < ROWS; i++) {
        const struct row_stats *row = &e->intact[i];
        cell_near(s, i, "ld", (double)row->target_logit - (double)row->foil_logit);
        cell_near(s, i, "logprob", (double)row->target_logit - (double)row->lse);
        cell_near(s, i, "prob", exp((double)row->target_logit - (double)row->lse));
    }
    sheet_close(s);
    free(dir);
    example_free(e);
}

static void head_impact_has_one_line_per_head_and_metric(void **state)
{
    struct example *e = example_new(&experiment_heads);
    char *dir = write_report(e, *state, "run");
    struct sheet_read *s = sheet_open(dir, "metrics/head_impact.csv");
    header_is(s, "condition,seed,ablate,layer,head,scale,metric,value,delta,se,ci_lo,ci_hi,p,q,n,n_"
                 "clusters,sign_agrees,rank_min,rank_max");
    assert_int_equal(s->n_lines, LAYERS * HEADS * N_METRICS + 1);
    for (size_t v = 0; v < LAYERS * HEADS; v++)
        for (int m = 0; m < N_METRICS; m++) {
            size_t row = v * N_METRICS + (size_t)m;
            struct estimate est;
            struct measured_rows measured = session_measured_rows(&e->session);
            struct abl_err err;
            assert_true(estimate_delta(&measured, &e->results, v, (enum metric)m, &est, &err));
            cell_is(s, row, "condition", "facts");
            cell_is(s, row, "seed", "7");
            cell_is(s, row, "ablate", "zero");
            cell_is(s, row, "scale", "0.0");
            cell_near(s, row, "layer", (double)(v / HEADS));
            cell_near(s, row, "head", (double)(v % HEADS));
            cell_is(s, row, "metric", metric_info((enum metric)m)->name);
            cell_near(s, row, "value", mean_value(e, v, (enum metric)m));
            cell_near(s, row, "delta", mean_delta(e, v, (enum metric)m));
            cell_near(s, row, "se", est.se);
            cell_near(s, row, "ci_lo", est.ci_lo);
            cell_near(s, row, "ci_hi", est.ci_hi);
            cell_is(s, row, "p", "");
            cell_is(s, row, "q", "");
            cell_is(s, row, "n", "6");
            cell_is(s, row, "n_clusters", "3");
        }
    sheet_close(s);
    free(dir);
    example_free(e);
}

// q by its definition, from the p column: min over p_j >= p_i of p_j * m / rank(p_j).
static void q_is_corrected_over_the_grid_of_each_metric(void **state)
{
    struct example *e = example_new(&experiment_heads);
    own_clusters(e);
    char *dir = write_report(e, *state, "run");
    struct sheet_read *s = sheet_open(dir, "metrics/head_impact.csv");
    enum { GRID = LAYERS * HEADS };
    for (size_t m = 0; m < N_METRICS; m++) {
        double p[GRID];
        for (size_t v = 0; v < GRID; v++) {
            p_is(s, v * N_METRICS + m, e, v, (enum metric)m);
            p[v] = strtod(cell(s, v * N_METRICS + m, "p"), NULL);
        }
        for (size_t v = 0; v < GRID; v++) {
            double q = 1.0;
            for (size_t j = 0; j < GRID; j++) {
                int rank = 0;
                for (size_t k = 0; k < GRID; k++)
                    rank += p[k] <= p[j];
                if (p[j] >= p[v])
                    q = fmin(q, p[j] * GRID / rank);
            }
            if (m == METRIC_KL || m == METRIC_FLIP)
                cell_is(s, v * N_METRICS + m, "q", "");
            else
                cell_near(s, v * N_METRICS + m, "q", q);
        }
    }
    sheet_close(s);
    free(dir);
    example_free(e);
}

static void group_impact_has_joint_effects_and_interactions(void **state)
{
    struct example *e = example_new(&experiment_sets);
    own_clusters(e);
    char *dir = write_report(e, *state, "run");
    struct sheet_read *s = sheet_open(dir, "metrics/group_impact.csv");
    header_is(
        s, "condition,seed,ablate,heads,kind,parent,scale,metric,value,delta,se,ci_lo,ci_hi,p,q,n,"
           "n_clusters,percentile,interaction,p_null,sign_agrees,rank_min,rank_max");
    assert_int_equal(s->n_lines, 2 * N_METRICS + 1);
    // Singles first, in the order of the sets: 0:1 1:2 0:0, then 0:1+1:2 and 0:0+0:1+1:2.
    const size_t joint[] = { 3, 4 };
    for (size_t g = 0; g < 2; g++)
        for (int m = 0; m < N_METRICS; m++) {
            size_t row = g * N_METRICS + (size_t)m;
            double parts = mean_delta(e, 0, (enum metric)m) + mean_delta(e, 1, (enum metric)m)
                           + (g ? mean_delta(e, 2, (enum metric)m) : 0.0);
            double delta = mean_delta(e, joint[g], (enum metric)m);
            cell_is(s, row, "heads", g ? "0:0+0:1+1:2" : "0:1+1:2");
            cell_is(s, row, "kind", "chosen");
            cell_is(s, row, "parent", "");
            cell_is(s, row, "percentile", "");
            cell_near(s, row, "delta", delta);
            p_is(s, row, e, joint[g], (enum metric)m);
            close_to("interaction", strtod(cell(s, row, "interaction"), NULL), delta - parts);
        }
    sheet_close(s);
    s = sheet_open(dir, "metrics/head_impact.csv");
    assert_int_equal(s->n_lines, 3 * N_METRICS + 1); // the singles that were measured
    cell_is(s, N_METRICS, "layer", "1");
    cell_is(s, N_METRICS, "head", "2");
    sheet_close(s);
    free(dir);
    example_free(e);
}

static void per_example_has_every_row_of_every_variant(void **state)
{
    struct example *e = example_new(&experiment_sets);
    for (size_t v = 0; v < e->variants.n; v++)
        e->variants.items[v].how.scale = 0.3f;
    char *dir = write_report(e, *state, "run");
    struct sheet_read *s = sheet_open(dir, "metrics/per_example.csv");
    header_is(s, "variant,condition,ablate,scale,row,ld,delta_ld,logprob,kl,rank,pred_id,flip");
    assert_int_equal(s->n_lines, e->variants.n * ROWS + 1);
    for (size_t v = 0; v < e->variants.n; v++)
        for (size_t i = 0; i < ROWS; i++) {
            size_t row = v * ROWS + i;
            const struct row_stats *r = &e->results.rows[row], *intact = &e->intact[i];
            double ld = (double)r->target_logit - (double)r->foil_logit;
            cell_is(s, row, "variant", e->variants.items[v].label);
            cell_is(s, row, "ablate", "scale=0.3");
            cell_is(s, row, "scale", "0.3");
            cell_near(s, row, "row", example_index[i] + 1);
            cell_near(s, row, "ld", ld);
            cell_near(s, row, "delta_ld",
                      ld - ((double)intact->target_logit - (double)intact->foil_logit));
            cell_near(s, row, "logprob", (double)r->target_logit - (double)r->lse);
            cell_near(s, row, "kl", (double)r->kl);
            cell_near(s, row, "rank", r->rank);
            cell_near(s, row, "pred_id", r->argmax);
            cell_is(s, row, "flip", r->argmax == intact->argmax ? "0" : "1");
        }
    sheet_close(s);
    free(dir);
    example_free(e);
}

static void summary_agrees_with_the_tables(void **state)
{
    struct example *e = example_new(&experiment_heads);
    char *dir = write_report(e, *state, "run");
    struct file_bytes json = read_bytes(dir, "metrics/summary.json");
    text_at_is(&json, "schema", "abltui.summary/1");
    assert_int_equal(type_at(&json, "complete"), JSON_TRUE);
    assert_int_equal(type_at(&json, "partial"), JSON_FALSE);
    close_to("accuracy", number_at(&json, "accuracy"), 0.5);
    close_to("rows", number_at(&json, "n_rows"), ROWS);
    close_to("clusters", number_at(&json, "n_clusters"), CLUSTERS);
    text_at_is(&json, "findings.0.kind", "duplicate-prompt");
    double intact = 0.0, deltas = 0.0, values = 0.0;
    for (size_t i = 0; i < ROWS; i++)
        intact += metric_value(METRIC_LD, &e->intact[i], &e->intact[i]) / ROWS;
    for (size_t v = 0; v < LAYERS * HEADS; v++) {
        deltas += mean_delta(e, v, METRIC_LD) / (LAYERS * HEADS);
        values += mean_value(e, v, METRIC_LD) / (LAYERS * HEADS);
    }
    close_to("intact", number_at(&json, "metrics.ld.intact.mean"), intact);
    assert_true(number_at(&json, "metrics.ld.intact.ci95.0") <= intact);
    assert_true(number_at(&json, "metrics.ld.intact.ci95.1") >= intact);
    close_to("delta", number_at(&json, "metrics.ld.heads.delta"), deltas);
    close_to("value", number_at(&json, "metrics.ld.heads.value"), values);
    close_to("kl", number_at(&json, "metrics.kl.intact.mean"), 0.0);
    assert_int_equal(count_at(&json, "top_heads"), LAYERS * HEADS);
    text_at_is(&json, "top_heads.0.variant", "1:2"); // delta grows with the variant's number
    close_to("top", number_at(&json, "top_heads.0.delta.mean"), mean_delta(e, 5, METRIC_LD));
    file_bytes_release(&json);
    free(dir);
    example_free(e);
}

static void interval_keys_name_their_level(void **state)
{
    struct example *e = example_new(&experiment_heads);
    e->session.settings.alpha = 0.01;
    char *dir = write_report(e, *state, "run");
    struct file_bytes json = read_bytes(dir, "metrics/summary.json");
    assert_int_equal(type_at(&json, "metrics.ld.intact.ci99"), JSON_ARRAY);
    file_bytes_release(&json);
    free(dir);
    example_free(e);
}

// Rows that each are a cluster of their own: the first three order the heads one way, the others
// the opposite way by `opposite` (1 or -1).
static double split_half_of(const char *folder, double opposite)
{
    struct example *e = example_new(&experiment_heads);
    own_clusters(e);
    e->session.settings.min_effect = 0; // mirrored halves come to nothing
    for (uint32_t i = 0; i < ROWS; i++)
        for (uint32_t v = 0; v < e->variants.n; v++) {
            e->results.rows[v * ROWS + i] = e->intact[i];
            e->results.rows[v * ROWS + i].foil_logit -= (float)((i < 3 ? 1.0 : opposite) * v);
        }
    char *dir = write_report(e, folder, "run");
    struct file_bytes json = read_bytes(dir, "metrics/summary.json");
    double rho = number_at(&json, "stability.heads.split_half_spearman");
    file_bytes_release(&json);
    free(dir);
    example_free(e);
    return rho;
}

// Of six clusters, halves of three: with three ups and three downs one half always is the other's
// mirror image.
static void split_half_correlation_tells_stable_from_mirrored_rankings(void **state)
{
    close_to("stable", split_half_of(*state, 1.0), 1.0);
    close_to("mirrored", split_half_of(*state, -1.0), -1.0);
}

static void provenance_names_model_data_tokenizer_and_device(void **state)
{
    struct example *e = example_new(&experiment_heads);
    char *dir = write_report(e, *state, "run"), sha256[SHA256_HEX];
    struct abl_err err = { 0 };
    struct file_bytes json = read_bytes(dir, "provenance.json");
    must(model_sha256(e->opened, sha256, &err), &err);
    text_at_is(&json, "schema", "abltui.provenance/1");
    text_at_is(&json, "version", abl_version);
    text_at_is(&json, "command_line", "abltui --export x");
    text_at_is(&json, "model.sha256", sha256);
    text_at_is(&json, "data.sha256", e->data.sha256);
    text_at_is(&json, "tokenizer.sha256", tokenizer_sha256(e->tokenizer));
    text_at_is(&json, "tokenizer.files.0", "tokenizer.json");
    text_at_is(&json, "tokenizer.files.1", "config.json");
    assert_int_equal(type_at(&json, "tokenizer.bos_id"), JSON_NULL);
    text_at_is(&json, "device.name", "a cpu");
    assert_int_equal(type_at(&json, "device.uuid"), JSON_NULL);
    close_to("seconds", number_at(&json, "seconds"), 1.5);
    file_bytes_release(&json);
    free(dir);
    example_free(e);
}

static void an_interrupted_run_holds_what_was_done_and_says_so(void **state)
{
    struct example *e = example_new(&experiment_sets);
    e->report.interrupted = true;
    e->results.done[2] = e->results.done[4] = false; // a single and the set that needs it
    e->results.n_done = 3;
    char *dir = write_report(e, *state, "run");
    struct file_bytes json = read_bytes(dir, "metrics/partial_summary.json");
    close_to("done", number_at(&json, "n_done"), 3);
    close_to("all", number_at(&json, "n_variants"), 5);
    assert_int_equal(count_at(&json, "done"), 3);
    text_at_is(&json, "missing.0", "0:0");
    text_at_is(&json, "missing.1", "0:0+0:1+1:2");
    file_bytes_release(&json);
    json = read_bytes(dir, "metrics/summary.json");
    assert_int_equal(type_at(&json, "complete"), JSON_FALSE);
    file_bytes_release(&json);
    struct sheet_read *s = sheet_open(dir, "metrics/per_example.csv");
    assert_int_equal(s->n_lines, 3 * ROWS + 1);
    sheet_close(s);
    free(dir);
    example_free(e);
}

static void an_interaction_without_its_singles_is_missing(void **state)
{
    struct example *e = example_new(&experiment_sets);
    e->results.done[2] = false;
    e->results.n_done = 4;
    char *dir = write_report(e, *state, "run");
    struct sheet_read *s = sheet_open(dir, "metrics/group_impact.csv");
    cell_is(s, N_METRICS, "heads", "0:0+0:1+1:2");
    cell_is(s, N_METRICS, "interaction", "");
    assert_string_not_equal(cell(s, 0, "interaction"), "");
    sheet_close(s);
    free(dir);
    example_free(e);
}

static void what_is_missing_is_empty_and_null(void **state)
{
    struct example *e = example_new(&experiment_heads);
    e->results.rows[0].kl = NAN;
    e->results.rows[0].target_logit = INFINITY;
    char *dir = write_report(e, *state, "run");
    struct sheet_read *s = sheet_open(dir, "metrics/per_example.csv");
    cell_is(s, 0, "kl", "");
    cell_is(s, 0, "ld", "");
    sheet_close(s);
    s = sheet_open(dir, "metrics/head_impact.csv");
    for (size_t m = 0; m < N_METRICS; m++)
        if (m == METRIC_KL || m == METRIC_LD) {
            cell_is(s, m, "delta", "");
            cell_is(s, m, "ci_lo", "");
            cell_is(s, m, "p", "");
            cell_is(s, m, "q", "");
        }
    sheet_close(s);
    struct file_bytes json = read_bytes(dir, "metrics/summary.json");
    is_strict_json("summary.json", &json);
    assert_true(isnan(number_at(&json, "metrics.kl.heads.delta")));
    // three clusters cannot be halved
    assert_true(isnan(number_at(&json, "stability.heads.split_half_spearman")));
    file_bytes_release(&json);
    free(dir);
    example_free(e);
}

static void awkward_names_survive_in_csv_and_json(void **state)
{
    struct example *e = example_new(&experiment_heads);
    const char *name = "a,\"b\"\nc \xc3\xa9";
    e->data.name = name;
    e->data.path = "caf\xe9/x.jsonl"; // Latin-1, no UTF-8
    char *dir = write_report(e, *state, "run");
    struct sheet_read *s = sheet_open(dir, "metrics/baseline.csv");
    cell_is(s, 0, "condition", name);
    sheet_close(s);
    struct file_bytes json = read_bytes(dir, "metrics/summary.json");
    text_at_is(&json, "condition", name);
    file_bytes_release(&json);
    json = read_bytes(dir, "provenance.json");
    text_at_is(&json, "data.path", "$'caf\\xe9/x.jsonl'"); // to the byte, as bash reads it
    file_bytes_release(&json);
    free(dir);
    example_free(e);
}

static void config_is_canonical_and_holds_only_what_matters(void **state)
{
    (void)state;
    struct example *e = example_new(&experiment_heads);
    struct buf a = { 0 }, b = { 0 }, c = { 0 };
    struct abl_err err = { 0 };
    const char sha256[SHA256_HEX] = "of-the-model";
    must(config_write(&e->session, &e->session.settings, sha256, false, &a, &err), &err);
    e->session.settings.n_threads = 5;
    e->session.settings.mem = 12345;
    must(config_write(&e->session, &e->session.settings, sha256, false, &b, &err), &err);
    assert_string_equal(a.data, b.data);
    e->session.settings.seed = UINT64_MAX;
    must(config_write(&e->session, &e->session.settings, sha256, false, &c, &err), &err);
    assert_string_not_equal(a.data, c.data);
    assert_non_null(strstr(c.data, "\"seed\":18446744073709551615,"));
    char last[64] = "";
    struct json j;
    struct json_text key;
    must(json_open(&j, "config", a.data, a.len, ABL_FAILED, &err) && json_object(&j), &err);
    while (json_next_key(&j, &key)) {
        if (strcmp(last, key.data) >= 0)
            fail_msg("'%s' stands before '%s'", last, key.data);
        snprintf(last, sizeof last, "%s", key.data);
        json_skip(&j);
    }
    must(json_end(&j), &err);
    json_close(&j);
    assert_null(strpbrk(a.data, " \t\n"));
    buf_release(&a);
    buf_release(&b);
    buf_release(&c);
    example_free(e);
}

static void one_json_document_holds_all_tables(void **state)
{
    (void)state;
    struct example *e = example_new(&experiment_sets);
    e->results.rows[0].kl = NAN;
    struct buf text = { 0 };
    struct abl_err err = { 0 };
    must(report_json(&e->report, &text, &err), &err);
    struct file_bytes json = { text.data, text.len };
    is_strict_json("document", &json);
    text_at_is(&json, "schema", "abltui.run/1");
    text_at_is(&json, "config.schema", "abltui.config/1");
    text_at_is(&json, "provenance.schema", "abltui.provenance/1");
    text_at_is(&json, "summary.schema", "abltui.summary/1");
    assert_int_equal(count_at(&json, "tables.baseline.rows"), ROWS);
    assert_int_equal(count_at(&json, "tables.head_impact.rows"), 3 * N_METRICS);
    assert_int_equal(count_at(&json, "tables.group_impact.rows"), 2 * N_METRICS);
    assert_int_equal(count_at(&json, "tables.per_example.rows"), 5 * ROWS);
    text_at_is(&json, "tables.per_example.columns.8", "kl");
    assert_int_equal(type_at(&json, "tables.per_example.rows.0.8"), JSON_NULL);
    close_to("delta", number_at(&json, "tables.group_impact.rows.0.9"),
             mean_delta(e, 3, METRIC_LD));
    buf_release(&text);
    example_free(e);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(baseline_holds_the_intact_rows),
        IN_FOLDER(head_impact_has_one_line_per_head_and_metric),
        IN_FOLDER(q_is_corrected_over_the_grid_of_each_metric),
        IN_FOLDER(group_impact_has_joint_effects_and_interactions),
        IN_FOLDER(per_example_has_every_row_of_every_variant),
        IN_FOLDER(summary_agrees_with_the_tables),
        IN_FOLDER(interval_keys_name_their_level),
        IN_FOLDER(split_half_correlation_tells_stable_from_mirrored_rankings),
        IN_FOLDER(provenance_names_model_data_tokenizer_and_device),
        IN_FOLDER(an_interrupted_run_holds_what_was_done_and_says_so),
        IN_FOLDER(an_interaction_without_its_singles_is_missing),
        IN_FOLDER(what_is_missing_is_empty_and_null),
        IN_FOLDER(awkward_names_survive_in_csv_and_json),
        IN_FOLDER(config_is_canonical_and_holds_only_what_matters),
        IN_FOLDER(one_json_document_holds_all_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
