#include "cli/fit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/say.h"
#include "model/model.h"

enum { MAX_KINDS = 16 };

static bool find_tokenizer(const struct cli *cli, const char *name, char **out, struct abl_err *err)
{
    struct model_places places = { cli->run.data_dir, cli->run.hf_cache };
    if (!file_is_dir(name))
        return model_find(name, &places, out, NULL, err);
    *out = strdup(name);
    return *out || abl_no_memory(err);
}

static bool open_data(const struct settings *s, const char *data, enum split split, struct fit *out,
                      struct abl_err *err)
{
    if (settings_have_templates(s))
        return dataset_open_templates(&s->templates, &s->fields, split, s->max_rows, true,
                                      &out->data, &out->n_unread, err);
    return dataset_open_as(&s->fields, data, s->data_dir, split, s->max_rows, true, &out->data,
                           &out->n_unread, err);
}

bool fit_open(const struct cli *cli, const char *tokenizer, const char *data, enum split split,
              struct fit *out, struct abl_err *err)
{
    struct fit f = { 0 };
    struct prompts_options o
        = { .bos = cli->run.bos, .skip_bad = true, .fix_spaces = cli->run.fix_spaces };
    bool ok = find_tokenizer(cli, tokenizer, &f.path, err)
              && model_tokenizer_open(f.path, cli->run.like, &f.tokenizer, err)
              && open_data(&cli->run, data, split, &f, err)
              && prompts_make(f.data, f.tokenizer, &o, &f.prompts, err);
    if (!ok) {
        fit_release(&f);
        return false;
    }
    *out = f;
    return true;
}

void fit_release(struct fit *f)
{
    prompts_free(f->prompts);
    dataset_free(f->data);
    tokenizer_free(f->tokenizer);
    free(f->path);
    *f = (struct fit){ 0 };
}

void fit_print_kinds(const struct fit *f)
{
    const char *kinds[MAX_KINDS];
    size_t counts[MAX_KINDS], n = 0;
    for (size_t i = 0; i < f->prompts->n_dropped; i++) {
        const char *kind = f->prompts->dropped[i].kind;
        size_t k = 0;
        while (k < n && strcmp(kinds[k], kind) != 0)
            k++;
        if (k == n && n < MAX_KINDS) {
            kinds[n] = kind;
            counts[n++] = 0;
        }
        if (k < n)
            counts[k]++;
    }
    for (size_t k = 0; k < n; k++)
        say(SAY_OUT, "%s%zu %s", k ? ", " : ": ", counts[k], kinds[k]);
}
