#include "cli/commands.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/say.h"
#include "cli/print.h"
#include "verify/verify.h"

static void add_number(cJSON *o, const char *name, double v)
{
    if (isfinite(v))
        cJSON_AddNumberToObject(o, name, v);
    else
        cJSON_AddNullToObject(o, name);
}

static cJSON *drift_json(const struct verify_drift *d)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "metric", d->name);
    add_number(o, "max", d->max);
    add_number(o, "mean", d->mean);
    add_number(o, "tolerance", d->tolerance);
    cJSON_AddNumberToObject(o, "n", (double)d->n);
    cJSON_AddNumberToObject(o, "n_near_tie", (double)d->n_near);
    cJSON_AddBoolToObject(o, "pass", d->pass);
    return o;
}

static cJSON *result_json(const struct verify_result *r)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "device", r->device.name);
    cJSON_AddStringToObject(o, "driver", r->device.driver);
    cJSON_AddBoolToObject(o, "pass", r->pass);
    if (r->err.code != ABL_OK) {
        cJSON_AddStringToObject(o, "error", r->err.text);
        return o;
    }
    cJSON *list = cJSON_AddArrayToObject(o, "drift");
    for (size_t i = 0; i < N_DRIFTS; i++)
        cJSON_AddItemToArray(list, drift_json(&r->drift[i]));
    return o;
}

cJSON *verify_json(const struct verify *v)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "schema", "abltui.verify/1");
    cJSON_AddStringToObject(o, "model", v->session->model->name);
    cJSON_AddStringToObject(o, "data", v->session->data->name);
    cJSON_AddNumberToObject(o, "rows", (double)v->n_prompts);
    cJSON_AddNumberToObject(o, "variants", (double)v->variants.n);
    cJSON *list = cJSON_AddArrayToObject(o, "devices");
    for (size_t i = 0; i < v->n_results; i++)
        cJSON_AddItemToArray(list, result_json(&v->results[i]));
    return o;
}

static void result_text(const struct verify_result *r)
{
    say(SAY_OUT, "\n%s (%s): %s\n", r->device.name, r->device.driver,
        r->pass ? "passed" : "FAILED");
    if (r->err.code != ABL_OK) {
        say(SAY_OUT, "  did not run: %s\n", r->err.text);
        return;
    }
    say(SAY_OUT, "  %-10s %12s %12s %12s %8s\n", "metric", "max drift", "mean drift", "tolerance",
        "values");
    for (size_t i = 0; i < N_DRIFTS; i++) {
        const struct verify_drift *d = &r->drift[i];
        say(SAY_OUT, "  %-10s %12.3g %12.3g %12.3g %8zu%s", d->name, d->max, d->mean, d->tolerance,
            d->n, d->pass ? "" : "  FAILED");
        if (!d->pass && d->worst_variant)
            say(SAY_OUT, " at %s, line %" PRIu32 ": found %.6g, expected %.6g", d->worst_variant,
                d->worst_line, d->worst_found, d->worst_expected);
        say(SAY_OUT, "\n");
    }
}

static void verify_text(const struct verify *v)
{
    say(SAY_OUT, "%s on %s: %zu rows, %zu of %zu variants against a double-precision reference\n",
        v->session->model->name, v->session->data->name, v->n_prompts, v->variants.n,
        v->n_all_variants);
    for (size_t i = 0; i < v->n_results; i++)
        result_text(&v->results[i]);
}

bool command_verify(const struct cli *cli, struct abl_err *err)
{
    struct settings settings = cli->run;
    struct verify v;
    settings.damage_weight = cli->flags & CLI_DAMAGE;
    struct verify_limits limits = { .n_rows = settings.max_rows };
    settings.max_rows = 0; // the rows are to spread over the whole split
    if (!verify_run(&settings, limits, &v, err))
        return false;
    bool ok = true;
    if (cli->flags & CLI_JSON)
        ok = print_json(verify_json(&v), err);
    else if (!(cli->flags & CLI_QUIET))
        verify_text(&v);
    ok = ok && verify_passed(&v, err);
    verify_release(&v);
    return ok;
}
