#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/file.h"
#include "report/cross.h"

enum { MAX_CHILDREN = 256, JSON_MAX = 64 << 20 };

struct children {
    struct cross_child items[MAX_CHILDREN];
    size_t n;
    struct arena arena;
};

static cJSON *read_json(const char *dir, const char *name, struct abl_err *err)
{
    struct file_bytes bytes;
    char *path = file_join(dir, name);
    cJSON *parsed = NULL;
    if (!path)
        abl_no_memory(err);
    else if (file_read(path, JSON_MAX, &bytes, ABL_BAD_DATA, err)) {
        parsed = cJSON_ParseWithLength(bytes.data, bytes.size);
        file_bytes_release(&bytes);
        if (!parsed)
            abl_fail(err, ABL_BAD_DATA, "'%s': no JSON: expected a run directory", path);
    }
    free(path);
    return parsed;
}

static bool add_child(struct children *c, const char *tag, const char *dir, struct abl_err *err)
{
    if (c->n == MAX_CHILDREN)
        return abl_fail(err, ABL_USAGE, "more than %d runs", MAX_CHILDREN);
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->items[i].tag, tag) == 0)
            return abl_fail(
                err, ABL_USAGE,
                "'%s' and '%s' are both runs over '%s': expected conditions that differ",
                c->items[i].dir, dir, tag);
    struct cross_child *to = &c->items[c->n];
    *to = (struct cross_child){ arena_strdup(&c->arena, tag), arena_strdup(&c->arena, dir) };
    if (!to->tag || !to->dir)
        return abl_no_memory(err);
    c->n++;
    return true;
}

// A single run is named by its condition.
static bool add_single(struct children *c, const char *dir, struct abl_err *err)
{
    cJSON *summary = read_json(dir, "metrics/summary.json", err);
    const cJSON *condition = cJSON_GetObjectItemCaseSensitive(summary, "condition");
    bool ok = cJSON_IsString(condition) && add_child(c, condition->valuestring, dir, err);
    if (summary && !cJSON_IsString(condition))
        abl_fail(err, ABL_BAD_DATA, "metrics/summary.json of '%s' names no condition", dir);
    cJSON_Delete(summary);
    return ok;
}

// A joint run stands for its children.
static bool add_run(struct children *c, const char *dir, struct abl_err *err)
{
    cJSON *config = read_json(dir, "config.json", err);
    if (!config)
        return false;
    const cJSON *conditions = cJSON_GetObjectItemCaseSensitive(config, "conditions"), *item;
    bool ok = true, joint = cJSON_IsObject(conditions);
    if (joint) {
        cJSON_ArrayForEach(item, conditions)
        {
            const char *child = file_path(&c->arena, "%s/%s", dir, item->string);
            ok = ok && ((child || abl_no_memory(err)) && add_child(c, item->string, child, err));
        }
    }
    cJSON_Delete(config);
    return ok && (joint || add_single(c, dir, err));
}

bool command_rebuild(const struct cli *cli, struct abl_err *err)
{
    if (!cli->n_args || !cli->export_dir)
        return abl_fail(err, ABL_USAGE,
                        "rebuild needs runs and a place: 'abltui rebuild RUN RUN… --export DIR'");
    struct children *c = calloc(1, sizeof *c);
    if (!c)
        return abl_no_memory(err);
    bool ok = true;
    for (size_t i = 0; ok && i < cli->n_args; i++)
        ok = add_run(c, cli->args[i], err);
    ok = ok && cross_begin(cli->export_dir, "", err)
         && cross_write(cli->export_dir, "", c->items, c->n, err);
    if (ok && !(cli->flags & CLI_QUIET))
        fprintf(stderr, "%zu runs joined in %s\n", c->n, cli->export_dir);
    arena_release(&c->arena);
    free(c);
    return ok;
}
