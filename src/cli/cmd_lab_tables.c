#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_tree.h"
#include "base/say.h"
#include "cli/lab_parquet.h"
#include "report/lab_own.h"
#include "report/lab_tables.h"
#include "report/run_info.h"

enum { JSON_MAX = 64 << 20 };

struct lab_command {
    const struct cli *cli;
    struct lab_source sources[MAX_OPERANDS];
    struct arena arena;
    struct abl_err *err;
};

// ----------------------------------------------------------------------------------------- sources

static bool make_room(struct lab_command *c, struct lab_source *s, size_t n)
{
    s->runs = arena_alloc(&c->arena, n, sizeof *s->runs);
    s->tags = arena_alloc(&c->arena, n, sizeof *s->tags);
    return (s->runs && s->tags) || abl_no_memory(c->err);
}

static bool add_run(struct lab_command *c, struct lab_source *s, const char *dir, const char *tag)
{
    s->tags[s->n] = arena_strdup(&c->arena, tag);
    return (s->tags[s->n] || abl_no_memory(c->err))
           && lab_run_read(dir, &c->arena, &s->runs[s->n++], c->err);
}

// A joint run's children lie in it; those of a rebuilt one elsewhere.
static bool add_child(struct lab_command *c, struct lab_source *s, const char *tag)
{
    bool is_name = *tag && !strchr(tag, '/') && strcmp(tag, ".") != 0 && strcmp(tag, "..") != 0;
    const char *dir = file_path(&c->arena, "%s/%s", s->dir, tag);
    if (!dir)
        return abl_no_memory(c->err);
    if (!is_name || !file_is_dir(dir))
        return abl_fail(c->err, ABL_BAD_DATA,
                        "'%s' holds no run of '%s': where it was rebuilt from runs that lie "
                        "elsewhere, name these",
                        s->dir, tag);
    return add_run(c, s, dir, tag);
}

static bool read_source(struct lab_command *c, struct lab_source *s, const char *dir)
{
    if (lab_own_is(dir))
        return abl_fail(c->err, ABL_USAGE,
                        "'%s' is a run of tinyLab's, whose tables are there: expected one of ours",
                        dir);
    if (!run_is_not_incomplete(dir, c->err))
        return false;
    const char *path = file_path(&c->arena, "%s/config.json", dir);
    cJSON *config
        = path ? json_tree_read(path, JSON_MAX, JSON_TREE_DOUBLES, ABL_BAD_DATA, c->err) : NULL;
    if (!config)
        return path ? false : abl_no_memory(c->err);
    const cJSON *conditions = cJSON_GetObjectItemCaseSensitive(config, "conditions"), *item;
    size_t n = (size_t)cJSON_GetArraySize(conditions);
    *s = (struct lab_source){ .dir = dir, .joint = cJSON_IsObject(conditions) && n };
    bool ok = make_room(c, s, s->joint ? n : 1);
    if (ok && s->joint) {
        cJSON_ArrayForEach(item, conditions) ok = ok && add_child(c, s, item->string);
    } else
        ok = ok && add_run(c, s, dir, "");
    cJSON_Delete(config);
    return ok;
}

// ------------------------------------------------------------------------------------------- whole

static void tell(const struct lab_command *c, const struct lab_tables *t)
{
    for (size_t s = 0; s < c->cli->n_args; s++)
        for (size_t i = 0; i < c->sources[s].n; i++)
            for (size_t k = 0; k < c->sources[s].runs[i].n_notes; k++)
                say(SAY_ERR, "note: '%s': %s\n", c->sources[s].runs[i].dir,
                    c->sources[s].runs[i].notes[k]);
    for (size_t i = 0; i < t->n_parents; i++)
        if (t->parents[i].written)
            say(SAY_ERR, "%s\n", t->parents[i].place);
    for (size_t i = 0; i < t->n_children; i++)
        say(SAY_ERR, "%s\n", t->children[i].place);
}

bool command_lab_tables(const struct cli *cli, struct abl_err *err)
{
    if (!cli->n_args || !cli->out_dir)
        return abl_fail(
            err, ABL_USAGE,
            "lab-tables needs runs and a place: 'abltui lab-tables RUN… --out lab/runs'");
    struct lab_command *c = calloc(1, sizeof *c);
    if (!c)
        return abl_no_memory(err);
    c->cli = cli;
    c->err = err;
    struct lab_tables written;
    bool ok = true;
    for (size_t i = 0; ok && i < cli->n_args; i++)
        ok = read_source(c, &c->sources[i], cli->args[i]);
    ok = ok && lab_tables_write(c->sources, cli->n_args, cli->out_dir, &c->arena, &written, err);
    if (ok && !(cli->flags & CLI_QUIET))
        tell(c, &written);
    ok = ok && lab_parquet(cli, &written, err);
    arena_release(&c->arena);
    free(c);
    return ok;
}
