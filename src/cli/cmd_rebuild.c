#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_tree.h"
#include "base/say.h"
#include "cli/lab_joined.h"
#include "report/cross.h"
#include "report/run_info.h"

enum { MAX_CHILDREN = MAX_OPERANDS, JSON_MAX = 64 << 20 };

// What tells a run from the others.
struct child_of {
    const char *condition, *model, *model_sha256;
    double seed;
};

struct children {
    struct cross_child items[MAX_CHILDREN];
    struct child_of of[MAX_CHILDREN];
    size_t n;
    struct arena arena;
};

static cJSON *read_json(const char *dir, const char *name, struct abl_err *err)
{
    char *path = file_join(dir, name);
    cJSON *parsed = NULL;
    if (path)
        parsed = json_tree_read(path, JSON_MAX, JSON_TREE_DOUBLES, ABL_BAD_DATA, err);
    else
        abl_no_memory(err);
    free(path);
    return parsed;
}

// "" where the key is missing.
static const char *text_of(struct arena *a, const cJSON *o, const char *key)
{
    return arena_strdup(a, json_tree_text(o, key, ""));
}

static bool add_child(struct children *c, const char *condition, const char *dir,
                      const cJSON *config, struct abl_err *err)
{
    if (c->n == MAX_CHILDREN)
        return abl_fail(err, ABL_USAGE, "more than %d runs", MAX_CHILDREN);
    struct child_of of = { arena_strdup(&c->arena, condition), text_of(&c->arena, config, "model"),
                           text_of(&c->arena, config, "model_sha256"), 0 };
    const cJSON *seed = cJSON_GetObjectItemCaseSensitive(config, "seed");
    of.seed = cJSON_IsNumber(seed) ? seed->valuedouble : 0;
    const char *kept = arena_strdup(&c->arena, dir);
    if (!of.condition || !of.model || !of.model_sha256 || !kept)
        return abl_no_memory(err);
    c->items[c->n] = (struct cross_child){ .tag = of.condition, .dir = kept };
    c->of[c->n++] = of;
    return true;
}

// A single run is named by its condition.
static bool add_single(struct children *c, const char *dir, const cJSON *config,
                       struct abl_err *err)
{
    cJSON *summary = read_json(dir, "metrics/summary.json", err);
    const cJSON *condition = cJSON_GetObjectItemCaseSensitive(summary, "condition");
    bool ok = cJSON_IsString(condition) && add_child(c, condition->valuestring, dir, config, err);
    if (summary && !cJSON_IsString(condition))
        abl_fail(err, ABL_BAD_DATA, "metrics/summary.json of '%s' names no condition", dir);
    cJSON_Delete(summary);
    return ok;
}

// A joint run's children lie in it, each a folder of its own: a name is no way out of it.
static bool is_name(const char *tag)
{
    return *tag && !strchr(tag, '/') && strcmp(tag, ".") != 0 && strcmp(tag, "..") != 0;
}

static bool add_inner(struct children *c, const char *dir, const cJSON *item, struct abl_err *err)
{
    const char *tag = item->string;
    if (!is_name(tag))
        return abl_fail(err, ABL_BAD_DATA,
                        "'%s/config.json' names a condition '%s': expected the name of a folder in "
                        "'%s'; mend it, or name the runs one by one",
                        dir, tag, dir);
    const char *child = file_path(&c->arena, "%s/%s", dir, tag);
    return (child || abl_no_memory(err)) && run_is_not_incomplete(child, err)
           && add_child(c, tag, child, item, err);
}

// A joint run stands for its children.
static bool add_run(struct children *c, const char *dir, struct abl_err *err)
{
    cJSON *config = run_is_not_incomplete(dir, err) ? read_json(dir, "config.json", err) : NULL;
    if (!config)
        return false;
    const cJSON *conditions = cJSON_GetObjectItemCaseSensitive(config, "conditions"), *item;
    bool ok = true, joint = cJSON_IsObject(conditions);
    if (joint) {
        cJSON_ArrayForEach(item, conditions)
        {
            ok = ok && add_inner(c, dir, item, err);
        }
    }
    ok = ok && (joint || add_single(c, dir, config, err));
    cJSON_Delete(config);
    return ok;
}

// Whether two runs have the same tag; *one and *other: the first such.
static bool find_same(const struct children *c, size_t *one, size_t *other)
{
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->items[i].tag, c->items[k].tag) == 0) {
                *one = k;
                *other = i;
                return true;
            }
    return false;
}

// Whether several models ran over one condition.
static bool models_differ(const struct children *c)
{
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->of[i].condition, c->of[k].condition) == 0
                && (strcmp(c->of[i].model, c->of[k].model) != 0
                    || strcmp(c->of[i].model_sha256, c->of[k].model_sha256) != 0))
                return true;
    return false;
}

// Whether a model's name means more than one model here, as folders of one name do.
static bool is_ambiguous(const struct children *c, const struct child_of *of)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->of[i].model, of->model) == 0
            && strcmp(c->of[i].model_sha256, of->model_sha256) != 0)
            return true;
    return false;
}

static bool name_by_model(struct children *c, struct abl_err *err)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct child_of *of = &c->of[i];
        bool by_hash = is_ambiguous(c, of);
        const char *tag = by_hash ? arena_printf(&c->arena, "%s@%.8s:%s", of->model,
                                                 of->model_sha256, of->condition)
                                  : arena_printf(&c->arena, "%s:%s", of->model, of->condition);
        if (!tag)
            return abl_no_memory(err);
        c->items[i].tag = tag;
        c->items[i].relabelled = true;
    }
    return true;
}

// Runs of one name are that condition under several seeds: "facts-seed1".
static bool name_by_seed(struct children *c, struct abl_err *err)
{
    for (size_t i = 0; i < c->n; i++) {
        const char *name = c->items[i].tag;
        bool shared = false;
        for (size_t k = 0; k < c->n; k++)
            shared = shared || (k != i && strcmp(cross_condition(&c->items[k]), name) == 0);
        if (!shared)
            continue;
        c->items[i].condition = name;
        c->items[i].tag = arena_printf(&c->arena, "%s-seed%.0f", name, c->of[i].seed);
        if (!c->items[i].tag)
            return abl_no_memory(err);
    }
    return true;
}

// Runs are called by their conditions; where several models ran over one, by "model:condition",
// all of them; those that differ in their seeds alone are one condition.
static bool name_children(struct children *c, struct abl_err *err)
{
    size_t one, other;
    if ((models_differ(c) && !name_by_model(c, err)) || !name_by_seed(c, err))
        return false;
    return !find_same(c, &one, &other)
           || abl_fail(err, ABL_USAGE,
                       "'%s' and '%s' are both runs of '%s' over '%s' with seed %.0f: expected "
                       "conditions, models or seeds that differ",
                       c->items[one].dir, c->items[other].dir, c->of[one].model,
                       c->of[one].condition, c->of[one].seed);
}

bool command_rebuild(const struct cli *cli, struct abl_err *err)
{
    if (!cli->n_args || !cli->export_dir)
        return abl_fail(err, ABL_USAGE,
                        "rebuild needs runs and a place: 'abltui rebuild RUN RUN… --export DIR'");
    bool theirs;
    if (!lab_joined_is(cli, &theirs, err))
        return false;
    if (theirs)
        return lab_joined(cli, err);
    struct children *c = calloc(1, sizeof *c);
    if (!c)
        return abl_no_memory(err);
    bool ok = true;
    for (size_t i = 0; ok && i < cli->n_args; i++)
        ok = add_run(c, cli->args[i], err);
    ok = ok && name_children(c, err) && cross_begin(cli->export_dir, "", err)
         && cross_write(cli->export_dir, "", c->items, c->n, settings_csv(&cli->run), err);
    if (ok && !(cli->flags & CLI_QUIET))
        say(SAY_ERR, "%zu runs joined in %s\n", c->n, cli->export_dir);
    arena_release(&c->arena);
    free(c);
    return ok;
}
