#include "report/lab_tables.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_tree.h"
#include "report/config.h"
#include "report/doc.h"
#include "report/lab_write.h"

struct maker {
    struct lab_tables *t;
    const char *out;
    struct arena *a;
    struct abl_err *err;
};

// ----------------------------------------------------------------------------------------- configs

// The name of a folder, without those that it lies in.
static const char *base_of(struct maker *m, const char *dir)
{
    char *path = arena_strdup(m->a, dir);
    size_t len = path ? strlen(path) : 0;
    while (len > 1 && path[len - 1] == '/')
        path[--len] = '\0';
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash && slash[1] ? slash + 1 : path;
}

static void add_dataset(struct doc *d, cJSON *to, const struct lab_run *run)
{
    cJSON *o = doc_object(d, to, "dataset");
    doc_text(d, o, "id", run->condition);
    doc_text(d, o, "split", *run->split ? run->split : "all");
    doc_text(d, o, "clean_field", "clean");
    doc_text(d, o, "corrupt_field", "corrupt");
    doc_text(d, o, "target_field", "target");
    doc_text(d, o, "foil_field", "foil");
}

static void add_common(struct doc *d, cJSON *to, const struct lab_run *run)
{
    cJSON *seeds = doc_array(d, to, "seeds");
    for (size_t i = 0; i < run->n; i++)
        if (!i || strcmp(run->components[i].seed, run->components[i - 1].seed) != 0)
            doc_raw(d, seeds, NULL, run->components[i].seed);
    doc_text(d, to, "device", run->device);
    cJSON *model = doc_object(d, to, "model");
    doc_text(d, model, "name", run->model);
    doc_text(d, model, "dtype", "float32");
}

// A config of the harness's shape for runs that no run file is known of. Its battery is no file:
// the harness cannot run it.
static bool make_config(struct maker *m, const struct lab_source *s, struct lab_config *out)
{
    struct doc d = doc_new();
    struct buf text = { 0 };
    const char *name = base_of(m, s->dir);
    doc_text(&d, d.root, "run_name", name);
    doc_text(&d, d.root, "battery", "abltui");
    if (s->joint) {
        add_common(&d, doc_object(&d, d.root, "shared"), &s->runs[0]);
        cJSON *conditions = doc_array(&d, d.root, "conditions");
        for (size_t i = 0; i < s->n; i++) {
            cJSON *o = doc_object(&d, conditions, NULL);
            doc_text(&d, o, "tag", s->tags[i]);
            add_dataset(&d, o, &s->runs[i]);
        }
    } else {
        add_common(&d, d.root, &s->runs[0]);
        add_dataset(&d, d.root, &s->runs[0]);
    }
    bool ok = (name || abl_no_memory(m->err)) && doc_print(&d, DOC_COMPACT, &text, m->err)
              && lab_config_read(s->dir, text.data, m->a, out, m->err);
    buf_release(&text);
    doc_release(&d);
    return ok;
}

// ------------------------------------------------------------------------------------------ groups

static size_t find_parent(const struct lab_tables *t, const char *text)
{
    for (size_t i = 0; i < t->n_parents; i++)
        if (strcmp(t->parents[i].config.text, text) == 0)
            return i;
    return SIZE_MAX;
}

static struct lab_child *find_child(struct lab_tables *t, const struct lab_config *c)
{
    for (size_t i = 0; i < t->n_children; i++)
        if (strcmp(t->children[i].config.text, c->text) == 0)
            return &t->children[i];
    return NULL;
}

// How many heads of each layer a seed draws: its "random control".
static bool count_drawn(struct maker *m, const struct lab_run *run, uint32_t *out)
{
    *out = 0;
    if (!run->battery || run->shape != LAB_HEADS)
        return true;
    cJSON *o = json_tree(run->dir, run->battery, strlen(run->battery), JSON_TREE_DOUBLES,
                         ABL_BAD_DATA, m->err);
    const cJSON *count = cJSON_GetObjectItemCaseSensitive(o, "random_count");
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "random_control")) && cJSON_IsNumber(count)
        && run->n_heads && count->valuedouble < run->n_heads)
        *out = count->valuedouble >= 1 ? (uint32_t)count->valuedouble : 1;
    cJSON_Delete(o);
    return o;
}

static bool same_metrics(const struct lab_run *a, const struct lab_run *b)
{
    bool same = a->shape == b->shape && a->n_metrics == b->n_metrics;
    for (size_t i = 0; same && i < a->n_metrics; i++)
        same = strcmp(a->metrics[i], b->metrics[i]) == 0;
    return same;
}

static bool same_cell(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

// Another of our runs for a run of the harness's: of another seed, or another scale.
static bool add_member(struct maker *m, struct lab_child *c, const struct lab_run *run)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct lab_component *a = &c->members[i]->components[0], *b = &run->components[0];
        bool same = same_cell(a->seed, b->seed);
        for (size_t k = 0; same && k < LAB_KEYS; k++)
            same = same_cell(a->keys[k], b->keys[k]);
        if (same || !same_metrics(c->members[i], run))
            return abl_fail(m->err, ABL_USAGE, "'%s' and '%s' are both runs of '%s': expected %s",
                            c->members[i]->dir, run->dir, c->config.run_name,
                            same ? "other seeds or scales" : "the same metrics");
    }
    const struct lab_run **members = arena_alloc(m->a, c->n + 1, sizeof *members);
    if (!members)
        return abl_no_memory(m->err);
    if (c->n)
        memcpy(members, c->members, c->n * sizeof *members);
    members[c->n++] = run;
    c->members = members;
    return true;
}

// parent: of the config of all conditions, where the run has a tag.
static bool add_run(struct maker *m, const struct lab_config *config, const char *tag,
                    const struct lab_run *run)
{
    struct lab_tables *t = m->t;
    struct lab_config own = *config;
    size_t parent = SIZE_MAX;
    if (tag) {
        parent = find_parent(t, config->text);
        if (parent == SIZE_MAX)
            t->parents[parent = t->n_parents++].config = *config;
        if (!lab_config_child(run->dir, config, tag, m->a, &own, m->err))
            return false;
    }
    struct lab_child *c = find_child(t, &own);
    if (!c) {
        c = &t->children[t->n_children++];
        *c = (struct lab_child){ .config = own, .tag = tag, .parent = parent };
        if (!count_drawn(m, run, &c->n_drawn))
            return false;
    }
    return add_member(m, c, run);
}

static bool add_source(struct maker *m, const struct lab_source *s)
{
    struct lab_config made, read;
    bool has_made = false;
    for (size_t i = 0; i < s->n; i++) {
        const struct lab_run *run = &s->runs[i];
        const struct lab_config *config = &made;
        const char *tag = s->joint ? s->tags[i] : NULL;
        if (run->config) {
            if (!lab_config_read(run->dir, run->config, m->a, &read, m->err))
                return false;
            config = &read;
            tag = run->tag;
        } else if (!has_made && !(has_made = make_config(m, s, &made)))
            return false;
        if (!add_run(m, config, tag, run))
            return false;
    }
    return true;
}

// Whether one of our runs came with a joint run.
static bool is_of_joint(const struct lab_run *run, const struct lab_source *sources, size_t n)
{
    for (size_t s = 0; s < n; s++)
        if (sources[s].joint && run >= sources[s].runs && run < sources[s].runs + sources[s].n)
            return true;
    return false;
}

// A run of one condition that was named alone needs no folder of several.
static void choose_parents(struct lab_tables *t, const struct lab_source *sources, size_t n)
{
    for (size_t p = 0; p < t->n_parents; p++) {
        size_t n_of = 0;
        for (size_t i = 0; i < t->n_children; i++) {
            const struct lab_child *c = &t->children[i];
            if (!c->tag || c->parent != p)
                continue;
            n_of++;
            t->parents[p].written |= n_of > 1 || is_of_joint(c->members[0], sources, n);
        }
    }
}

// ------------------------------------------------------------------------------------------- whole

// Folders are named once all is known, and nothing is written where one is not ours.
static bool choose_places(struct maker *m)
{
    struct lab_tables *t = m->t;
    for (size_t i = 0; i < t->n_children; i++) {
        t->children[i].place = file_path(m->a, "%s/%s", m->out, t->children[i].config.folder);
        if (!t->children[i].place)
            return abl_no_memory(m->err);
        if (!lab_place_check(t->children[i].place, m->err))
            return false;
    }
    for (size_t i = 0; i < t->n_parents; i++) {
        t->parents[i].place = file_path(m->a, "%s/%s", m->out, t->parents[i].config.folder);
        if (!t->parents[i].place)
            return abl_no_memory(m->err);
        if (t->parents[i].written && !lab_place_check(t->parents[i].place, m->err))
            return false;
    }
    return true;
}

static bool make_room(struct maker *m, size_t n_runs)
{
    struct lab_tables *t = m->t;
    t->children = arena_alloc(m->a, n_runs, sizeof *t->children);
    t->parents = arena_alloc(m->a, n_runs, sizeof *t->parents);
    t->tables = arena_alloc(m->a, 4 * n_runs, sizeof *t->tables);
    return (t->children && t->parents && t->tables) || abl_no_memory(m->err);
}

bool lab_tables_write(const struct lab_source *sources, size_t n, const char *out, struct arena *a,
                      struct lab_tables *written, struct abl_err *err)
{
    struct maker m = { written, out, a, err };
    size_t n_runs = 0;
    *written = (struct lab_tables){ 0 };
    for (size_t i = 0; i < n; i++)
        n_runs += sources[i].n;
    if (!make_room(&m, n_runs))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!add_source(&m, &sources[i]))
            return false;
    choose_parents(written, sources, n);
    if (!choose_places(&m))
        return false;
    for (size_t i = 0; i < written->n_children; i++)
        if (!lab_write_child(written, i, a, err))
            return false;
    for (size_t i = 0; i < written->n_parents; i++)
        if (written->parents[i].written && !lab_write_parent(written, i, a, err))
            return false;
    return true;
}
