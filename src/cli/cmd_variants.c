// Corpora for one tokenizer.
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"
#include "cli/commands.h"
#include "cli/fit.h"
#include "cli/print.h"
#include "text/corpus_variant.h"

// "mistral" of ".../mistral/": what a tokenizer's files are called by.
static void suffix_of(const char *tokenizer, char out[128])
{
    size_t len = strlen(tokenizer), n = 0;
    while (len > 1 && tokenizer[len - 1] == '/')
        len--;
    size_t first = len;
    while (first && tokenizer[first - 1] != '/')
        first--;
    for (size_t i = first; i < len && n < 127; i++) {
        unsigned char c = (unsigned char)tokenizer[i];
        out[n++] = isalnum(c) || c == '.' || c == '-' ? (char)c : '_';
    }
    out[n] = '\0';
}

static cJSON *drop_json(const struct prompt_drop *d)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "row", row_number(d->row));
    cJSON_AddNumberToObject(o, "line", d->row->line);
    cJSON_AddStringToObject(o, "kind", d->kind ? d->kind : "bad");
    cJSON_AddStringToObject(o, "why", d->why ? d->why : "");
    return o;
}

static cJSON *variant_json(const struct fit *f, const struct corpus_variant *v)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "data", f->data->name);
    add_name(o, "corpus", v->corpus);
    if (v->split)
        add_name(o, "split", v->split);
    else
        cJSON_AddNullToObject(o, "split");
    cJSON_AddNumberToObject(o, "rows", (double)(f->data->n_rows + f->n_unread));
    cJSON_AddNumberToObject(o, "kept", (double)v->n_kept);
    cJSON_AddNumberToObject(o, "left_out_by_balance", (double)v->n_unbalanced);
    cJSON *list = cJSON_AddArrayToObject(o, "dropped");
    for (size_t i = 0; i < f->prompts->n_dropped; i++)
        cJSON_AddItemToArray(list, drop_json(&f->prompts->dropped[i]));
    return o;
}

static void print_drops(const struct fit *f)
{
    for (size_t i = 0; i < f->prompts->n_dropped; i++) {
        const struct prompt_drop *d = &f->prompts->dropped[i];
        say(SAY_ERR, "%s line %" PRIu32 ": %s: %s\n", f->data->name, d->row->line, d->kind, d->why);
    }
}

static void print_variant(const struct cli *cli, const struct fit *f,
                          const struct corpus_variant *v)
{
    say(SAY_OUT, "%s: %zu of %zu rows kept", f->data->name, v->n_kept,
        f->data->n_rows + f->n_unread);
    if (v->n_unbalanced)
        say(SAY_OUT, ", %zu left out by --balance", v->n_unbalanced);
    if (f->n_unread)
        say(SAY_OUT, ", %zu unreadable", f->n_unread);
    if (f->prompts->n_dropped) {
        say(SAY_OUT, ", %zu dropped", f->prompts->n_dropped);
        fit_print_kinds(f);
    }
    say(SAY_OUT, "\n  %s %s\n", cli->flags & CLI_DRY_RUN ? "would write" : "wrote", v->corpus);
    if (v->split)
        say(SAY_OUT, "  %s %s: %zu train, %zu val, %zu test\n",
            cli->flags & CLI_DRY_RUN ? "would write" : "wrote", v->split, v->n_split[SPLIT_TRAIN],
            v->n_split[SPLIT_VAL], v->n_split[SPLIT_TEST]);
}

static bool make_one(const struct cli *cli, const char *data, const char *suffix, cJSON *list,
                     struct abl_err *err)
{
    struct fit f;
    struct corpus_variant v;
    struct corpus_variant_settings s
        = { .folder = cli->out_dir ? cli->out_dir : ".",
            .suffix = suffix,
            .fields = &cli->run.fields,
            .balance = cli->balance,
            .seed = cli->run.seed,
            .draw_split = conventions_of(cli->run.compat)->draws_splits,
            .train = cli->train_share,
            .val = cli->val_share,
            .dry = cli->flags & CLI_DRY_RUN };
    if (strcmp(data, "-") == 0)
        return abl_fail(err, ABL_USAGE,
                        "variants reads files: standard input has no name to go by");
    if (!fit_open(cli, cli->tokenizers[0], data, SPLIT_ALL, &f, err))
        return false;
    bool ok = corpus_variant_write(f.data, f.prompts, &s, &v, err);
    if (ok && !(cli->flags & CLI_QUIET))
        print_drops(&f);
    if (ok && cli->flags & CLI_JSON)
        cJSON_AddItemToArray(list, variant_json(&f, &v));
    else if (ok)
        print_variant(cli, &f, &v);
    if (ok)
        corpus_variant_release(&v);
    fit_release(&f);
    return ok;
}

bool command_variants(const struct cli *cli, struct abl_err *err)
{
    char suffix[128];
    if (!cli->n_args || cli->n_tokenizers != 1)
        return abl_fail(err, ABL_USAGE,
                        "variants needs data and one tokenizer: abltui variants facts logic "
                        "--tokenizer ./Mistral-7B-v0.1 --suffix mistral");
    suffix_of(cli->tokenizers[0], suffix);
    cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "corpora");
    cJSON_AddStringToObject(o, "schema", "abltui.variants/1");
    cJSON_AddStringToObject(o, "tokenizer", cli->tokenizers[0]);
    bool ok = true;
    for (size_t i = 0; ok && i < cli->n_args; i++)
        ok = make_one(cli, cli->args[i], cli->suffix ? cli->suffix : suffix, list, err);
    if (ok && cli->flags & CLI_JSON)
        return print_json(o, err);
    cJSON_Delete(o);
    return ok;
}
