#include "report/run_journals.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_tree.h"
#include "plan/cells.h"

enum { LINES_MAX = 64 << 20 };

// Whose read-outs are 512 GB, all of which a run holds in memory.
#define MOST_CELLS ((size_t)1 << 34)

// ----------------------------------------------------------------------------------------- reading

static size_t size_of(const cJSON *head, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(head, name);
    char *end;
    if (!cJSON_IsRaw(item))
        return 0;
    unsigned long long value = strtoull(item->valuestring, &end, 10);
    return *end || value > SIZE_MAX / 64 ? 0 : (size_t)value;
}

// A line that is no JSON, or has no end, was torn, and so is what stands behind it.
static bool parse_lines(const struct file_bytes *bytes, struct run_journal *out)
{
    const char *at = bytes->data, *end = at + bytes->size, *stop;
    struct abl_err ignored;
    out->lines = cJSON_CreateArray();
    for (; out->lines && at < end && (stop = memchr(at, '\n', (size_t)(end - at))); at = stop + 1) {
        cJSON *line = json_tree("journal", at, (size_t)(stop - at), JSON_TREE_DIGITS, ABL_BAD_DATA,
                                &ignored);
        if (!line || !cJSON_AddItemToArray(out->lines, line))
            break;
    }
    out->head = cJSON_GetArrayItem(out->lines, 0);
    out->sizes
        = (struct journal_sizes){ size_of(out->head, "n_variants"), size_of(out->head, "n_prompts"),
                                  size_of(out->head, "n_rows") };
    return out->lines;
}

// Whether a process writes it.
static bool is_held(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    return held;
}

static bool read_one(int folder, const char *name, struct run_journal *out, struct abl_err *err)
{
    struct file_bytes bytes;
    out->is_open = is_held(folder, name);
    if (!file_read_in(folder, name, LINES_MAX, &bytes, ABL_BAD_DATA, err))
        return false;
    bool ok = parse_lines(&bytes, out) || abl_no_memory(err);
    file_bytes_release(&bytes);
    return ok;
}

static int by_part(const void *x, const void *y)
{
    const struct run_journal *a = x, *b = y;
    return a->part.n != b->part.n ? (a->part.n > b->part.n) - (a->part.n < b->part.n)
                                  : (a->part.i > b->part.i) - (a->part.i < b->part.i);
}

static bool add_one(struct run_journals *j, int folder, const char *name, struct journal_part part,
                    struct abl_err *err)
{
    struct run_journal *more = realloc(j->items, (j->n + 1) * sizeof *more);
    if (!more)
        return abl_no_memory(err);
    j->items = more;
    j->items[j->n] = (struct run_journal){ .part = part };
    return read_one(folder, name, &j->items[j->n++], err);
}

bool run_journals_read(int folder, const char *place, struct run_journals *out, struct abl_err *err)
{
    struct journal_part part;
    *out = (struct run_journals){ 0 };
    int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own >= 0 ? fdopendir(own) : NULL;
    if (!dir) {
        abl_fail(err, ABL_FAILED, "cannot open folder '%s': %s", place, strerror(errno));
        if (own >= 0)
            close(own);
        return false;
    }
    bool ok = true;
    for (struct dirent *e; ok && (e = readdir(dir));)
        if (journal_is_name(e->d_name, "jsonl", &part))
            ok = add_one(out, folder, e->d_name, part, err);
    closedir(dir);
    if (out->n)
        qsort(out->items, out->n, sizeof *out->items, by_part);
    return ok;
}

void run_journals_release(struct run_journals *j)
{
    for (size_t i = 0; i < j->n; i++)
        cJSON_Delete(j->items[i].lines);
    free(j->items);
    *j = (struct run_journals){ 0 };
}

const struct run_journal *run_journal_of(const struct run_journals *j, struct journal_part part)
{
    for (size_t i = 0; i < j->n; i++)
        if (j->items[i].part.i == part.i && j->items[i].part.n == part.n)
            return &j->items[i];
    return NULL;
}

// ---------------------------------------------------------------------------------------- counting

struct count {
    uint64_t *cells;
    size_t n_run;
};

static bool count_record(void *context, const struct journal_record *r, struct abl_err *err)
{
    (void)err;
    const struct count *c = context;
    for (size_t i = 0; r->kind <= RECORD_VARIANTS && i < r->n_variants; i++)
        cells_set(c->cells, r->variants[i] * c->n_run + r->first, r->n_rows);
    return true;
}

static bool same_sizes(const struct journal_sizes *a, const struct journal_sizes *b)
{
    return a->n_variants == b->n_variants && a->n_run == b->n_run && a->n_rows == b->n_rows;
}

bool run_journals_count(int folder, const char *place, const struct run_journals *j,
                        struct run_progress *out, struct abl_err *err)
{
    const struct journal_sizes *sizes = NULL;
    *out = (struct run_progress){ 0, 0 };
    for (size_t i = 0; !sizes && i < j->n; i++)
        sizes = j->items[i].head ? &j->items[i].sizes : NULL;
    if (!sizes || !sizes->n_run)
        return true;
    if (sizes->n_variants > MOST_CELLS / sizes->n_run)
        return abl_fail(err, ABL_BAD_DATA,
                        "the journal in '%s' is of %zu variants and %zu prompts: no run has these",
                        place, sizes->n_variants, sizes->n_run);
    struct count c
        = { calloc(cells_words(sizes->n_variants, sizes->n_run), sizeof *c.cells), sizes->n_run };
    bool ok = c.cells || abl_no_memory(err);
    for (size_t i = 0; ok && i < j->n; i++)
        if (j->items[i].head && same_sizes(sizes, &j->items[i].sizes))
            ok = journal_read(folder, place, j->items[i].part, sizes, count_record, &c, NULL, err);
    out->all = sizes->n_variants * sizes->n_run;
    out->done = ok ? cells_count(c.cells, 0, out->all) : 0;
    free(c.cells);
    return ok;
}

// ----------------------------------------------------------------------------------------- workers

char *run_journals_workers(const struct run_journals *j)
{
    cJSON *list = cJSON_CreateArray(), *line;
    bool ok = list;
    for (size_t i = 0; ok && i < j->n; i++)
        cJSON_ArrayForEach(line, j->items[i].lines)
        {
            cJSON *worker = cJSON_GetObjectItemCaseSensitive(line, "worker");
            if (worker)
                ok = ok && cJSON_AddItemToArray(list, cJSON_Duplicate(worker, true));
        }
    char *text = ok ? cJSON_PrintUnformatted(list) : NULL;
    cJSON_Delete(list);
    return text;
}
