#include "cli/tinylab_model.h"

#include <string.h>

#include "base/file.h"
#include "model/model.h"

// tinyLab names models as TransformerLens does: by the hub's id, or by the last part of it.
static const char *model_name(struct config_reader *r, const char *name, const char *revision)
{
    static const char *const aliases[][2] = { { "gpt2-small", "gpt2" },
                                              { "mistral-7b", "mistralai/Mistral-7B-v0.1" },
                                              { "Mistral-7B-v0.1", "mistralai/Mistral-7B-v0.1" },
                                              { "pythia-", "EleutherAI/" } };
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        const char *from = aliases[i][0], *to = aliases[i][1];
        bool prefix = from[strlen(from) - 1] == '-';
        if (strncmp(name, from, strlen(from) + !prefix) == 0) {
            name = prefix ? arena_printf(&r->config->arena, "%s%s", to, name) : to;
            break;
        }
    }
    const char *id = name && revision ? model_alias(name) : NULL;
    return name && revision ? arena_printf(&r->config->arena, "%s@%s", id ? id : name, revision)
                            : name;
}

// The revision that a run file asks for, of the model that the command line names: one of the
// hub's, or a folder's own folder of that name.
static bool add_revision(struct config_reader *r, const char *revision, struct settings *s)
{
    size_t len = strlen(s->model);
    if (!len || s->model[len - 1] == '@') { // "MODEL@": as it is
        s->model = arena_strndup(&r->config->arena, s->model, len - (len > 0));
        if (!s->model)
            return abl_no_memory(r->err);
        return !revision
               || config_note(r,
                              "'%s': \"model.revision\" %s is not loaded: --model %s@ is run as it "
                              "is",
                              r->path, revision, s->model);
    }
    const char *at = strrchr(s->model, '@');
    bool is_place = file_exists(s->model);
    if (!revision || (at && !is_place && strcmp(at + 1, revision) == 0))
        return true;
    if (at && !is_place)
        return abl_fail(r->err, ABL_USAGE,
                        "'%s': \"model.revision\" is %s, and --model names %s: leave one of them "
                        "out",
                        r->path, revision, at);
    const char *within = is_place ? file_path(&r->config->arena, "%s/%s", s->model, revision)
                                  : model_name(r, s->model, revision);
    if (!within)
        return abl_no_memory(r->err);
    if (is_place && !file_is_dir(within))
        return abl_fail(r->err, ABL_USAGE,
                        "'%s': \"model.revision\" is %s, and --model %s is one set of weights: "
                        "expected a folder %s in it, a model of the hub, or '%s@' to run it as it "
                        "is",
                        r->path, revision, s->model, revision, s->model);
    s->model = within;
    return true;
}

// The weights may be named beside the model: they are what is loaded.
static const char *weights_name(struct config_reader *r, const cJSON *model, const char *name)
{
    const char *weights = config_text(r, model, "model.", "hf_model");
    return weights && *weights ? weights : name;
}

bool tinylab_model_read(struct config_reader *r, const cJSON *o, struct settings *s)
{
    const cJSON *model = config_get(r, o, "", "model", cJSON_IsObject, "object");
    if (r->failed)
        return false;
    const char *name = config_text(r, model, "model.", "name");
    const char *weights = weights_name(r, model, name);
    const char *revision = config_text(r, model, "model.", "revision");
    const char *dtype = config_text(r, model, "model.", "dtype");
    if (r->failed || !config_check_keys(r, model, "model."))
        return false;
    if (dtype && strcmp(dtype, "float32") != 0
        && !config_note(r, "'%s': \"model.dtype\" is %s: computed in float32", r->path, dtype))
        return false;
    if (s->model) {
        if (weights != name && strcmp(weights, s->model) != 0)
            return abl_fail(r->err, ABL_USAGE,
                            "'%s': \"model.hf_model\" is %s, and --model is %s: leave one of them "
                            "out",
                            r->path, weights, s->model);
        return (!name || weights != name || strcmp(name, s->model) == 0
                || config_note(r, "'%s': --model %s is run in place of \"model.name\" %s", r->path,
                               s->model, name))
               && add_revision(r, revision && *revision ? revision : NULL, s);
    }
    if (!weights)
        return abl_fail(r->err, ABL_BAD_DATA,
                        "'%s': \"model.name\" is missing: expected a model, or --model", r->path);
    s->model = model_name(r, weights, revision);
    return s->model || abl_no_memory(r->err);
}
