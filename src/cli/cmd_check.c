#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/print.h"
#include "lab/run.h"

static cJSON *finding_json(const struct finding *f)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "level", f->level == FINDING_ERROR ? "error" : "warning");
    cJSON_AddStringToObject(o, "kind", f->kind);
    cJSON_AddNumberToObject(o, "rows", f->n_rows);
    cJSON_AddNumberToObject(o, "first_line", f->first_line);
    cJSON_AddStringToObject(o, "text", f->text);
    return o;
}

static cJSON *check_json(const struct lab *lab)
{
    const struct prompts *p = lab->prompts;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "schema", "abltui.check/1");
    cJSON_AddStringToObject(o, "data", lab->data->name);
    cJSON_AddStringToObject(o, "split", split_name(lab->data->split));
    cJSON_AddStringToObject(o, "model", lab->model->name);
    cJSON_AddNumberToObject(o, "rows", (double)p->n);
    cJSON_AddNumberToObject(o, "clusters", p->n_clusters);
    cJSON_AddNumberToObject(o, "dropped", (double)(p->n_dropped + lab->n_dropped));
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

static void check_text(const struct lab *lab)
{
    const struct prompts *p = lab->prompts;
    uint32_t least, most;
    token_range(p, &least, &most);
    printf("%s (%s split) under the tokenizer of %s\n", lab->data->name,
           split_name(lab->data->split), lab->model->name);
    printf("  %zu rows, %" PRIu32 " clusters, %zu dropped", p->n, p->n_clusters,
           p->n_dropped + lab->n_dropped);
    if (p->n)
        printf(", %" PRIu32 "-%" PRIu32 " tokens a prompt", least, most);
    printf(", BOS %s\n", p->bos == TOKEN_NONE ? "none" : tokenizer_text(lab->tokenizer, p->bos));
    for (size_t i = 0; i < p->n_findings; i++)
        printf("  %s: %s\n", p->findings[i].level == FINDING_ERROR ? "error" : "warning",
               p->findings[i].text);
    if (!p->n_findings)
        puts("  no findings");
}

bool command_check(const struct cli *cli, struct abl_err *err)
{
    if (!cli->data_arg && !cli->run.data)
        return abl_fail(err, ABL_USAGE, "check needs a dataset: abltui check DATA.jsonl");
    struct lab *lab;
    if (!lab_open_cold(&cli->run, &lab, err))
        return false;
    bool ok = true;
    if (cli->flags & CLI_JSON)
        ok = print_json(check_json(lab), err);
    else if (!(cli->flags & CLI_QUIET))
        check_text(lab);
    ok = ok && prompts_refuse(lab->prompts, err);
    lab_free(lab);
    return ok;
}
