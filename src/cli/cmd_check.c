#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/say.h"
#include "cli/fit.h"
#include "cli/print.h"
#include "session/session.h"
#include "text/clusters.h"

static cJSON *finding_json(const struct finding *f)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "level", finding_level_name(f->level));
    cJSON_AddStringToObject(o, "kind", f->kind);
    cJSON_AddNumberToObject(o, "rows", f->n_rows);
    cJSON_AddNumberToObject(o, "first_line", f->first_line);
    cJSON *lines = cJSON_AddArrayToObject(o, "lines");
    for (uint32_t i = 0; i < FINDING_LINES && i < f->n_rows; i++)
        cJSON_AddItemToArray(lines, cJSON_CreateNumber(f->lines[i]));
    cJSON_AddStringToObject(o, "text", f->text);
    return o;
}

static cJSON *check_json(const struct session *session)
{
    const struct prompts *p = session->prompts;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "schema", "abltui.check/1");
    cJSON_AddStringToObject(o, "data", session->data->name);
    cJSON_AddStringToObject(o, "split", split_name(session->data->split));
    cJSON_AddStringToObject(o, "model", session->model->name);
    cJSON_AddStringToObject(o, "like", tokenizer_like(session->tokenizer));
    cJSON_AddNumberToObject(o, "rows", (double)p->n);
    cJSON_AddNumberToObject(o, "clusters", p->n_clusters);
    cJSON_AddNumberToObject(o, "dropped", (double)(p->n_dropped + session->n_dropped));
    cJSON *list = cJSON_AddArrayToObject(o, "findings");
    for (size_t i = 0; i < p->n_findings; i++)
        cJSON_AddItemToArray(list, finding_json(&p->findings[i]));
    return o;
}

static void token_range(const struct prompts *p, uint32_t *least, uint32_t *most)
{
    *least = UINT32_MAX;
    *most = 0;
    for (size_t i = 0; i < p->n; i++) {
        *least = p->items[i].n_ids < *least ? p->items[i].n_ids : *least;
        *most = p->items[i].n_ids > *most ? p->items[i].n_ids : *most;
    }
}

static void check_text(const struct session *session)
{
    const struct prompts *p = session->prompts;
    uint32_t least, most;
    token_range(p, &least, &most);
    say(SAY_OUT, "%s (%s split) under the tokenizer of %s, read as by %s\n", session->data->name,
        split_name(session->data->split), session->model->name, tokenizer_like(session->tokenizer));
    char clusters[CLUSTERS_SIZE];
    say(SAY_OUT, "  %zu rows, %s, %zu dropped", p->n, clusters_text(p, clusters),
        p->n_dropped + session->n_dropped);
    if (p->n)
        say(SAY_OUT, ", %" PRIu32 "-%" PRIu32 " tokens a prompt", least, most);
    say(SAY_OUT, ", BOS %s\n",
        p->bos == TOKEN_NONE ? "none" : tokenizer_text(session->tokenizer, p->bos));
    for (size_t i = 0; i < p->n_findings; i++)
        say(SAY_OUT, "  %s: %s\n", finding_level_name(p->findings[i].level), p->findings[i].text);
    if (!p->n_findings)
        say(SAY_OUT, "  no findings\n");
}

static cJSON *fit_json(const char *tokenizer, const struct fit *f)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "tokenizer", tokenizer);
    cJSON_AddStringToObject(o, "data", f->data->name);
    cJSON_AddNumberToObject(o, "rows", (double)(f->data->n_rows + f->n_unread));
    cJSON_AddNumberToObject(o, "fit", (double)f->prompts->n);
    cJSON *list = cJSON_AddArrayToObject(o, "findings");
    for (size_t i = 0; i < f->prompts->n_findings; i++)
        cJSON_AddItemToArray(list, finding_json(&f->prompts->findings[i]));
    return o;
}

static void fit_line(const struct cli *cli, const char *tokenizer, const struct fit *f)
{
    say(SAY_OUT, "%s under %s: %zu of %zu rows fit", f->data->name, tokenizer, f->prompts->n,
        f->data->n_rows + f->n_unread);
    fit_print_kinds(f);
    say(SAY_OUT, "\n");
    for (size_t i = 0; !(cli->flags & CLI_QUIET) && i < f->prompts->n_findings; i++)
        say(SAY_OUT, "  %s\n", f->prompts->findings[i].text);
}

// One tokenizer after the other: what of the data each can be asked. Exit status 3 where one fits
// no row at all.
static bool check_tokenizers(const struct cli *cli, struct abl_err *err)
{
    cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "tokenizers");
    cJSON_AddStringToObject(o, "schema", "abltui.check_tokenizers/1");
    bool ok = true, all = true;
    for (size_t i = 0; ok && i < cli->n_tokenizers; i++) {
        struct fit f;
        const char *name = cli->tokenizers[i];
        ok = fit_open(cli, name, cli->run.data, cli->run.split, &f, err);
        if (!ok)
            break;
        if (cli->flags & CLI_JSON)
            cJSON_AddItemToArray(list, fit_json(name, &f));
        else
            fit_line(cli, name, &f);
        all &= f.prompts->n > 0;
        fit_release(&f);
    }
    if (ok && cli->flags & CLI_JSON)
        ok = print_json(o, err);
    else
        cJSON_Delete(o);
    return ok
           && (all
               || abl_fail(err, ABL_BAD_DATA, "a tokenizer fits no row of '%s'", cli->run.data));
}

bool command_check(const struct cli *cli, struct abl_err *err)
{
    if (!cli->n_args && !cli->run.data && !cli->run.templates.n)
        return abl_fail(err, ABL_USAGE, "check needs a dataset: abltui check DATA.jsonl");
    if (cli->n_tokenizers)
        return check_tokenizers(cli, err);
    struct session *session;
    struct settings settings = cli->run;
    settings.strict_rows = true;
    if (!session_open_cold(&settings, &session, err))
        return false;
    bool ok = true;
    if (cli->flags & CLI_JSON)
        ok = print_json(check_json(session), err);
    else if (!(cli->flags & CLI_QUIET))
        check_text(session);
    ok = ok && prompts_refuse(session->prompts, err);
    session_free(session);
    return ok;
}
