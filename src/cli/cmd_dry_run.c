#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"
#include "cli/print.h"
#include "experiments/experiments.h"
#include "experiments/saved.h"
#include "plan/plan_walk.h"
#include "session/probe.h"
#include "session/session.h"
#include "text/clusters.h"

// Seconds that the stages of a run are expected to take, in this order.
enum stage_time { TIME_LOAD, TIME_INTACT, TIME_VARIANTS, TIME_READOUT, N_STAGE_TIMES };
static const char *const stage_names[N_STAGE_TIMES] = { "load", "intact", "variants", "readout" };

struct expected {
    double seconds[N_STAGE_TIMES], total;
};

// Read-outs and what is made of observations stand apart from the layers.
static struct expected expect(const struct plan *p, const struct device_rates *r)
{
    double variants = (double)p->by_kind[PASS_VARIANTS].flop;
    double all = (double)p->total.flop, readout = (double)p->readout_flop;
    struct expected e = { .seconds = { [TIME_LOAD] = (double)p->total.loaded_bytes / r->load,
                                       [TIME_INTACT] = (all - readout - variants) / r->flop,
                                       [TIME_VARIANTS] = variants / r->flop,
                                       [TIME_READOUT] = readout / r->flop } };
    for (int i = 0; i < N_STAGE_TIMES; i++)
        e.total += e.seconds[i];
    return e;
}

// Counts may be larger than a double's whole numbers.
static void add_count(cJSON *o, const char *name, uint64_t n)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, n);
    cJSON_AddRawToObject(o, name, text);
}

// Of --save, which the plan has not refused.
static uint64_t saved_bytes(const struct session *session)
{
    uint64_t bytes;
    struct abl_err ignored;
    return saved_size(session, &bytes, &ignored) ? bytes : 0;
}

static const char *kept_weights(const struct plan *p)
{
    return weights_form_name(p->weights.stored ? WEIGHTS_STORED : WEIGHTS_F32);
}

// All but the batches.
static cJSON *plan_head(const struct session *session, const struct variants *v,
                        const struct plan *p, const struct expected *e)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "schema", "abltui.plan/1");
    cJSON_AddStringToObject(o, "model", session->model->name);
    cJSON_AddStringToObject(o, "data", session->data->name);
    cJSON_AddNumberToObject(o, "rows", (double)session->prompts->n);
    cJSON_AddNumberToObject(o, "variants", (double)v->n);
    cJSON_AddNumberToObject(o, "passes", (double)v->n + 1);
    add_count(o, "token_rows", p->total.token_rows);
    add_count(o, "flop", p->total.flop);
    add_count(o, "observed_flop", p->observed_flop);
    cJSON *seconds = cJSON_AddObjectToObject(o, "expected_seconds");
    for (int i = 0; i < N_STAGE_TIMES; i++)
        cJSON_AddNumberToObject(seconds, stage_names[i], e->seconds[i]);
    cJSON_AddNumberToObject(seconds, "total", e->total);
    cJSON_AddStringToObject(o, "weights", kept_weights(p));
    add_count(o, "weight_bytes", p->weights.bytes);
    add_count(o, "kept_weight_bytes", p->weights.kept);
    add_count(o, "loaded_bytes", p->total.loaded_bytes);
    cJSON_AddNumberToObject(o, "streamed_layers", p->weights.n_streamed);
    add_count(o, "saved_bytes", saved_bytes(session));
    add_count(o, "activation_bytes", p->peak_bytes);
    cJSON_AddNumberToObject(o, "variants_per_chunk", p->most_copies);
    cJSON_AddNumberToObject(o, "blocks", p->n_run_blocks);
    add_count(o, "n_batches", p->n_batches);
    return o;
}

static void print_batch(const struct plan_batch *b)
{
    static const char *const stages[N_STAGES] = { [STAGE_START] = "start",
                                                  [STAGE_ATTENDED] = "attended",
                                                  [STAGE_BESIDE] = "beside",
                                                  [STAGE_PROJECTED] = "projected",
                                                  [STAGE_DONE] = "done" };
    say(SAY_OUT,
        "{\"kind\": \"%s\", \"block\": %" PRIu32 ", \"layer\": %" PRIu32
        ", \"stage\": \"%s\", \"variants\": %" PRIu32 ", \"read_out\": %" PRIu32
        ", \"token_rows\": %" PRIu64 ", \"flop\": %" PRIu64 ", \"loaded_bytes\": %" PRIu64
        ", \"activation_bytes\": %" PRIu64 "}",
        pass_kind_name(b->kind), b->block, b->start.layer, stages[b->start.stage], b->n, b->n_read,
        b->work.token_rows, b->work.flop, b->work.loaded_bytes, b->bytes);
}

// The batches are listed as they are walked, as there may be millions of them.
static bool print_plan(cJSON *head, const struct plan *p, struct abl_err *err)
{
    struct plan_walk w;
    struct plan_batch b;
    char *text = cJSON_Print(head);
    cJSON_Delete(head);
    if (!text)
        return abl_no_memory(err);
    text[strlen(text) - strlen("\n}")] = '\0'; // it goes on
    bool ok = say_json(text, strlen(text), err);
    free(text);
    say(SAY_OUT, ",\n\t\"batches\":\t[");
    size_t n = 0;
    for (plan_walk(p, plan_whole(p), &w); plan_next(&w, &b); n++) {
        say(SAY_OUT, "%s\n\t\t", n ? "," : "");
        print_batch(&b);
    }
    say(SAY_OUT, "]\n}\n");
    return ok && say_end(err);
}

// "0.25 s", "84 s", "17 min"
static const char *seconds_text(double seconds, char out[SIZE_TEXT])
{
    if (seconds < 10)
        snprintf(out, SIZE_TEXT, "%.2g s", seconds);
    else if (seconds < 600)
        snprintf(out, SIZE_TEXT, "%.0f s", seconds);
    else
        snprintf(out, SIZE_TEXT, "%.0f min", seconds / 60);
    return out;
}

static void weights_text(const struct session *session, const struct device_info *device,
                         const struct weights_fit *w)
{
    char bytes[SIZE_TEXT], kept[SIZE_TEXT];
    const struct model *m = session->model;
    if (w->stored)
        say(SAY_OUT,
            "  weights         stored: %s of %s stay in files, widened through %s; f32: %s",
            size_text(m->weight_bytes, bytes), m->dtype, size_text(w->kept, kept),
            size_text(w->bytes, (char[SIZE_TEXT]){ 0 }));
    else
        say(SAY_OUT, "  weights         %s on %s", size_text(w->bytes, bytes), device->name);
    if (w->n_streamed)
        say(SAY_OUT, ", of which %s at a time: %" PRIu32 " of %" PRIu32 " layers come and go",
            size_text(w->kept, kept), w->n_streamed, m->shape.n_layers);
    say(SAY_OUT, "\n");
}

static void plan_text(const struct session *session, const struct variants *v,
                      const struct device_info *device, const struct plan *p,
                      const struct expected *e)
{
    char weights[SIZE_TEXT], activations[SIZE_TEXT];
    char clusters[CLUSTERS_SIZE];
    say(SAY_OUT, "%s on %s/%s: %zu rows, %s\n", session->model->name, session->data->name,
        split_name(session->data->split), session->prompts->n,
        clusters_text(session->prompts, clusters));
    say(SAY_OUT, "  variants        %zu", v->n);
    if (v->n)
        say(SAY_OUT, ", first %s", v->items[0].label);
    say(SAY_OUT, "\n");
    say(SAY_OUT, "  passes          %" PRIu64 " (with the intact run)\n", (uint64_t)v->n + 1);
    say(SAY_OUT, "  token rows      %" PRIu64 "\n", p->total.token_rows);
    say(SAY_OUT, "  work            %.3g GFLOP\n", (double)p->total.flop / 1e9);
    char times[N_STAGE_TIMES + 1][SIZE_TEXT];
    for (int i = 0; i < N_STAGE_TIMES; i++)
        seconds_text(e->seconds[i], times[i]);
    say(SAY_OUT, "  expected time   %s: load %s, intact run %s, variants %s, read-outs %s\n",
        seconds_text(e->total, times[N_STAGE_TIMES]), times[TIME_LOAD], times[TIME_INTACT],
        times[TIME_VARIANTS], times[TIME_READOUT]);
    weights_text(session, device, &p->weights);
    say(SAY_OUT,
        "  activations     %s, %" PRIu32 " variants at a time, %" PRIu32 " block%s of prompts\n",
        size_text(p->peak_bytes, activations), p->most_copies, p->n_run_blocks,
        p->n_run_blocks == 1 ? "" : "s");
    uint64_t saved = saved_bytes(session);
    say(SAY_OUT, "  peak memory     %s\n",
        size_text(p->weights.kept + p->peak_bytes + saved, weights));
    if (saved)
        say(SAY_OUT, "  saved           %s at %s\n", size_text(saved, weights),
            saved_positions(&session->settings));
}

// What a run would do on a device, which is opened and tried for a moment.
static bool show_plan(unsigned flags, const struct session *session, const struct variants *v,
                      struct abl_err *err)
{
    struct engine *engine;
    struct plan plan;
    struct device_rates rates;
    if (!session_engine_open(&session->settings, &engine, err))
        return false;
    bool ok = experiment_plan(session, &engine->info, v, &plan, err)
              && probe_rates(session, engine, &rates, err);
    if (ok) {
        struct expected e = expect(&plan, &rates);
        if (flags & CLI_JSON)
            ok = print_plan(plan_head(session, v, &plan, &e), &plan, err);
        else
            plan_text(session, v, &engine->info, &plan, &e);
    }
    plan_release(&plan);
    engine->ops->free(engine);
    return ok;
}

bool dry_run(const struct settings *settings, unsigned flags, struct abl_err *err)
{
    struct session *session;
    struct variants v;
    if (!session_open_cold(settings, &session, err))
        return false;
    if (!(flags & CLI_QUIET))
        print_findings(session->prompts);
    bool ok = prompts_refuse(session->prompts, err);
    if (ok && experiment_variants(session, &v, err)) {
        ok = show_plan(flags, session, &v, err);
        variants_release(&v);
    } else
        ok = false;
    session_free(session);
    return ok;
}

bool command_dry_run(const struct cli *cli, struct abl_err *err)
{
    bool ok = cli->n_data || dry_run(&cli->run, cli->flags, err);
    for (size_t i = 0; ok && i < cli->n_data; i++) {
        struct settings settings = cli->run;
        settings.data = cli->data[i];
        ok = dry_run(&settings, cli->flags, err);
    }
    return ok;
}
