#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/print.h"
#include "experiments/experiments.h"
#include "session/probe.h"
#include "session/session.h"

// Seconds that the stages of a run are expected to take, in this order.
enum stage_time { TIME_LOAD, TIME_INTACT, TIME_VARIANTS, TIME_READOUT, N_STAGE_TIMES };
static const char *const stage_names[N_STAGE_TIMES] = { "load", "intact", "variants", "readout" };

struct expected {
    double seconds[N_STAGE_TIMES], total;
};

static struct expected expect(const struct run_cost *c, const struct device_rates *r)
{
    struct expected e = { .seconds = { [TIME_LOAD] = (double)c->loaded_bytes / r->load,
                                       [TIME_INTACT] = c->intact_flop / r->flop,
                                       [TIME_VARIANTS] = c->variants_flop / r->flop,
                                       [TIME_READOUT] = c->readout_flop / r->flop } };
    for (int i = 0; i < N_STAGE_TIMES; i++)
        e.total += e.seconds[i];
    return e;
}

static cJSON *cost_json(const struct session *session, const struct variants *v,
                        const struct run_cost *c, const struct expected *e)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "schema", "abltui.plan/1");
    cJSON_AddStringToObject(o, "model", session->model->name);
    cJSON_AddStringToObject(o, "data", session->data->name);
    cJSON_AddNumberToObject(o, "rows", (double)session->prompts->n);
    cJSON_AddNumberToObject(o, "variants", (double)v->n);
    cJSON_AddNumberToObject(o, "passes", (double)c->n_passes);
    cJSON_AddNumberToObject(o, "token_rows", (double)c->n_token_rows);
    cJSON_AddNumberToObject(o, "flop", c->flop);
    cJSON *seconds = cJSON_AddObjectToObject(o, "expected_seconds");
    for (int i = 0; i < N_STAGE_TIMES; i++)
        cJSON_AddNumberToObject(seconds, stage_names[i], e->seconds[i]);
    cJSON_AddNumberToObject(seconds, "total", e->total);
    cJSON_AddNumberToObject(o, "weight_bytes", (double)c->weight_bytes);
    cJSON_AddNumberToObject(o, "kept_weight_bytes", (double)c->kept_bytes);
    cJSON_AddNumberToObject(o, "streamed_layers", c->n_streamed);
    cJSON_AddNumberToObject(o, "activation_bytes", (double)c->activation_bytes);
    cJSON_AddNumberToObject(o, "variants_per_chunk", c->variants_per_chunk);
    cJSON_AddNumberToObject(o, "blocks", c->n_blocks);
    return o;
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

static void cost_text(const struct session *session, const struct variants *v,
                      const struct device_info *device, const struct run_cost *c,
                      const struct expected *e)
{
    char weights[SIZE_TEXT], activations[SIZE_TEXT];
    printf("%s on %s/%s: %zu rows, %" PRIu32 " clusters\n", session->model->name,
           session->data->name, split_name(session->data->split), session->prompts->n,
           session->prompts->n_clusters);
    printf("  variants        %zu", v->n);
    if (v->n)
        printf(", first %s", v->items[0].label);
    putchar('\n');
    printf("  passes          %" PRIu64 " (with the intact run)\n", c->n_passes);
    printf("  token rows      %" PRIu64 "\n", c->n_token_rows);
    printf("  work            %.3g GFLOP\n", c->flop / 1e9);
    char times[N_STAGE_TIMES + 1][SIZE_TEXT];
    for (int i = 0; i < N_STAGE_TIMES; i++)
        seconds_text(e->seconds[i], times[i]);
    printf("  expected time   %s: load %s, intact run %s, variants %s, read-outs %s\n",
           seconds_text(e->total, times[N_STAGE_TIMES]), times[TIME_LOAD], times[TIME_INTACT],
           times[TIME_VARIANTS], times[TIME_READOUT]);
    printf("  weights         %s on %s", size_text(c->weight_bytes, weights), device->name);
    if (c->n_streamed)
        printf(", of which %s at a time: %" PRIu32 " of %" PRIu32 " layers come and go",
               size_text(c->kept_bytes, weights), c->n_streamed, session->model->shape.n_layers);
    putchar('\n');
    printf("  activations     %s, %" PRIu32 " variants at a time, %" PRIu32 " block%s of prompts\n",
           size_text(c->activation_bytes, activations), c->variants_per_chunk, c->n_blocks,
           c->n_blocks == 1 ? "" : "s");
    printf("  peak memory     %s\n", size_text(c->kept_bytes + c->activation_bytes, weights));
}

// What a run would do on a device, which is opened and tried for a moment.
static bool show_cost(unsigned flags, const struct session *session, const struct variants *v,
                      struct abl_err *err)
{
    struct engine *engine;
    struct run_cost cost;
    struct device_rates rates;
    if (!engine_open(session->settings.device, session->settings.n_threads,
                     session->settings.precision, &engine, err))
        return false;
    bool ok = run_cost(session, v, &engine->info, &cost, err)
              && probe_rates(session, engine, &rates, err);
    if (ok) {
        struct expected e = expect(&cost, &rates);
        if (flags & CLI_JSON)
            ok = print_json(cost_json(session, v, &cost, &e), err);
        else
            cost_text(session, v, &engine->info, &cost, &e);
    }
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
        ok = show_cost(flags, session, &v, err);
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
