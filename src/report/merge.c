#include "report/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_tree.h"
#include "plan/cells.h"
#include "report/run_identity.h"

// ----------------------------------------------------------------------------------------- folders

static bool open_folder(struct merge_folder *f, const char *dir, struct abl_err *err)
{
    f->dir = dir;
    f->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->fd < 0)
        return abl_fail(err, ABL_USAGE, "cannot open folder '%s': %s", dir, strerror(errno));
    return run_journals_read(f->fd, dir, &f->journals, err);
}

static bool check_one(struct merge *m, const struct merge_folder *f, const struct run_journal *j,
                      struct abl_err *err)
{
    char name[JOURNAL_NAME];
    journal_name(j->part, "jsonl", name);
    if (!j->part.n)
        return abl_fail(err, ABL_USAGE,
                        "'%s/%s' is no shard's: 'abltui --export %s --resume' goes on with the run",
                        f->dir, name, f->dir);
    if (j->is_open)
        return abl_fail(err, ABL_USAGE, "'%s/%s' is being written by another process: wait for it",
                        f->dir, name);
    if (!j->head)
        return abl_fail(err, ABL_BAD_DATA, "'%s/%s' has no first line: run that shard again",
                        f->dir, name);
    if (!m->head) {
        m->head = j->head;
        m->n_shards = j->part.n;
    }
    if (j->part.n != m->n_shards)
        return abl_fail(err, ABL_USAGE, "'%s/%s' is of %" PRIu32 " shards, others of %" PRIu32,
                        f->dir, name, j->part.n, m->n_shards);
    char place[512];
    snprintf(place, sizeof place, "%.400s/%s", f->dir, name);
    return run_identity_check(j->head, m->head, place, err);
}

static bool check_all(struct merge *m, struct abl_err *err)
{
    for (size_t i = 0; i < m->n; i++)
        for (size_t k = 0; k < m->folders[i].journals.n; k++)
            if (!check_one(m, &m->folders[i], &m->folders[i].journals.items[k], err))
                return false;
    return m->head || abl_fail(err, ABL_USAGE, "'%s' holds no shards of a run", m->folders[0].dir);
}

// The folders that have a shard; their number.
static size_t who_has(const struct merge *m, uint32_t i, const char *dirs[2])
{
    size_t n = 0;
    for (size_t k = 0; k < m->n; k++)
        if (run_journal_of(&m->folders[k].journals, (struct journal_part){ i, m->n_shards })
            && n++ < 2)
            dirs[n - 1] = m->folders[k].dir;
    return n;
}

static bool check_parts(const struct merge *m, struct abl_err *err)
{
    struct buf missing = { 0 };
    bool ok = true;
    for (uint32_t i = 1; ok && i <= m->n_shards; i++) {
        const char *dirs[2];
        size_t n = who_has(m, i, dirs);
        if (n > 1)
            ok = abl_fail(err, ABL_USAGE, "shard %" PRIu32 " of %" PRIu32 " is in '%s' and in '%s'",
                          i, m->n_shards, dirs[0], dirs[1]);
        else if (!n)
            buf_printf(&missing, "%s%" PRIu32, missing.len ? ", " : "", i);
    }
    if (ok && missing.len)
        ok = abl_fail(err, ABL_USAGE, "of %" PRIu32 " shards %.300s %s missing: run %s first",
                      m->n_shards, missing.data, strchr(missing.data, ',') ? "are" : "is",
                      strchr(missing.data, ',') ? "them" : "it");
    buf_release(&missing);
    return ok;
}

bool merge_open(const char *const *dirs, size_t n, struct merge *out, struct abl_err *err)
{
    *out = (struct merge){ .folders = calloc(n, sizeof *out->folders) };
    if (!out->folders)
        return abl_no_memory(err);
    bool ok = true;
    while (ok && out->n < n) {
        ok = open_folder(&out->folders[out->n], dirs[out->n], err);
        out->n++;
    }
    return ok && check_all(out, err) && check_parts(out, err);
}

void merge_close(struct merge *m)
{
    for (size_t i = 0; i < m->n; i++) {
        run_journals_release(&m->folders[i].journals);
        if (m->folders[i].fd >= 0)
            close(m->folders[i].fd);
    }
    free(m->folders);
    *m = (struct merge){ 0 };
}

char *merge_workers(const struct merge *m)
{
    struct run_journals all = { 0 };
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += m->folders[i].journals.n;
    all.items = calloc(n, sizeof *all.items);
    for (size_t i = 0; all.items && i < m->n; i++)
        for (size_t k = 0; k < m->folders[i].journals.n; k++)
            all.items[all.n++] = m->folders[i].journals.items[k];
    char *workers = all.items ? run_journals_workers(&all) : NULL;
    free(all.items);
    return workers;
}

// ---------------------------------------------------------------------------------------- starting

// The first folder that has shards; there is one.
static const struct merge_folder *first_folder(const struct merge *m)
{
    const struct merge_folder *f = m->folders;
    while (!f->journals.n)
        f++;
    return f;
}

static struct device_info device_of(const struct merge *m, enum precision precision)
{
    const struct run_journal *first = first_folder(m)->journals.items;
    const cJSON *worker
        = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(first->lines, 1), "worker");
    bool cpu = strcmp(json_tree_text(m->head, "engine", ""), "cpu") == 0;
    struct device_info d = { .kind = cpu ? DEVICE_CPU : DEVICE_VULKAN_GPU, .precision = precision };
    snprintf(d.name, sizeof d.name, "%s", json_tree_text(worker, "device", ""));
    snprintf(d.driver, sizeof d.driver, "%s", json_tree_text(worker, "driver", ""));
    return d;
}

struct intact {
    struct row_stats *rows[2]; // by enum journal_run; NULL: there is none
    size_t n;
};

static bool take_intact(void *context, const struct journal_record *r, struct abl_err *err)
{
    struct intact *in = context;
    if (r->kind != RECORD_INTACT && r->kind != RECORD_OTHER)
        return true;
    struct row_stats **to = &in->rows[r->kind == RECORD_OTHER ? JOURNAL_OTHER : JOURNAL_INTACT];
    if (!*to && !(*to = malloc(in->n * sizeof **to)))
        return abl_no_memory(err);
    memcpy(*to, r->rows, in->n * sizeof **to);
    return true;
}

static bool start(const struct merge *m, struct session *session, const struct intact *in,
                  struct abl_err *err)
{
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(m->head, "config");
    struct device_info device = device_of(m, session->settings.precision);
    if (!in->rows[JOURNAL_INTACT])
        return abl_fail(err, ABL_BAD_DATA, "the shards in '%s' have no intact run",
                        first_folder(m)->dir);
    model_sha256_known(session->model, json_tree_text(config, "model_sha256", ""));
    return session_start_kept(session, &device, json_tree_text(config, "device", ""),
                              in->rows[JOURNAL_INTACT], in->rows[JOURNAL_OTHER], err);
}

// What the session makes now is what the shards were made of.
static bool check_same(const struct merge *m, const struct session *session,
                       const struct variants *variants, struct abl_err *err)
{
    struct run_identity of
        = { .session = session,
            .variants = variants,
            .model_sha256 = json_tree_text(cJSON_GetObjectItemCaseSensitive(m->head, "config"),
                                           "model_sha256", "") };
    struct buf line = { 0 };
    cJSON *now = run_identity_line(&of, &line, err)
                     ? json_tree("this run", line.data, line.len, JSON_TREE_DIGITS, ABL_FAILED, err)
                     : NULL;
    bool ok = now && run_identity_check(m->head, now, first_folder(m)->dir, err);
    cJSON_Delete(now);
    buf_release(&line);
    return ok;
}

bool merge_start(const struct merge *m, struct session *session, const struct variants *variants,
                 struct abl_err *err)
{
    const struct merge_folder *f = first_folder(m);
    const struct run_journal *first = &f->journals.items[0];
    struct intact in = { .n = session->prompts->n };
    if (first->sizes.n_rows != in.n || first->sizes.n_variants != variants->n
        || first->sizes.n_run != session_prompts(session)->n)
        return abl_fail(err, ABL_USAGE,
                        "'%s' is of %zu rows and %zu variants, not %zu and %zu: the "
                        "data or the model have changed",
                        f->dir, first->sizes.n_rows, first->sizes.n_variants, in.n, variants->n);
    bool ok = journal_read(f->fd, f->dir, first->part, &first->sizes, take_intact, &in, NULL, err)
              && start(m, session, &in, err) && check_same(m, session, variants, err);
    free(in.rows[JOURNAL_INTACT]);
    free(in.rows[JOURNAL_OTHER]);
    return ok;
}

// ----------------------------------------------------------------------------------------- loading

struct load {
    struct results *t;
    const char *dir;
};

// A cell may be there twice, but not in two ways.
static bool check_again(const struct load *l, const struct journal_record *r, size_t i,
                        struct abl_err *err)
{
    const struct results *t = l->t;
    const struct row_stats *rows = t->run ? t->run : t->rows;
    size_t first = r->variants[i] * t->n_run + r->first;
    for (size_t k = 0; k < r->n_rows; k++)
        if (cell_is_set(t->cells, first + k)
            && memcmp(&rows[first + k], &r->rows[i * r->n_rows + k], sizeof *rows) != 0)
            return abl_fail(err, ABL_BAD_DATA,
                            "two shards give variant %s of prompt %zu otherwise ('%s' is one of "
                            "them): they were made by other machines or versions",
                            t->variants->items[r->variants[i]].label, r->first + k, l->dir);
    return true;
}

static bool take(void *context, const struct journal_record *r, struct abl_err *err)
{
    const struct load *l = context;
    for (size_t i = 0; r->kind == RECORD_CELLS && i < r->n_variants; i++)
        if (!check_again(l, r, i, err))
            return false;
    results_take(l->t, r);
    return true;
}

static bool refuse_undone(const struct merge *m, const struct session *session,
                          const struct results *t, struct abl_err *err)
{
    size_t all = t->variants->n * t->n_run, words = cells_words(t->variants->n, t->n_run);
    uint64_t *others = malloc(words * sizeof *others);
    bool ok = others || abl_no_memory(err);
    for (uint32_t i = 1; ok && i <= m->n_shards; i++) {
        memset(others, 0, words * sizeof *others);
        ok = session_shard_others(session, t->variants, i, m->n_shards, others, err);
        size_t own = ok ? all - cells_count(others, 0, all) : 0;
        for (size_t k = 0; ok && k < words; k++)
            others[k] |= t->cells[k];
        size_t left = ok ? all - cells_count(others, 0, all) : 0;
        const char *dirs[2] = { "", "" };
        if (left && who_has(m, i, dirs))
            ok = abl_fail(err, ABL_USAGE,
                          "shard %" PRIu32 " of %" PRIu32 " in '%s' is incomplete, %zu of %zu "
                          "cells: --resume goes on with it",
                          i, m->n_shards, dirs[0], own - left, own);
    }
    free(others);
    return ok;
}

bool merge_load(const struct merge *m, const struct session *session, struct results *t,
                struct abl_err *err)
{
    struct workload w = session_workload(session);
    bool ok = results_begin(&w, t, err);
    for (size_t i = 0; ok && i < m->n; i++)
        for (size_t k = 0; ok && k < m->folders[i].journals.n; k++) {
            const struct run_journal *j = &m->folders[i].journals.items[k];
            struct load l = { t, m->folders[i].dir };
            ok = journal_read(m->folders[i].fd, l.dir, j->part, &j->sizes, take, &l, NULL, err);
        }
    if (ok)
        results_end(&w, t);
    return ok && (t->n_done == t->variants->n || refuse_undone(m, session, t, err));
}
