#include "report/run_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/folder.h"

static bool add(struct run_list *l, const char *place, bool *is_run, struct abl_err *err)
{
    struct run_info run;
    if (!run_info_read(place, &l->arena, &run, is_run, err))
        return false;
    if (!*is_run)
        return true;
    struct run_info *more = realloc(l->items, (l->n + 1) * sizeof *more);
    if (!more)
        return abl_no_memory(err);
    l->items = more;
    l->items[l->n++] = run;
    return true;
}

// A joint run is as far as its conditions are, and as old as the newest of them.
static void sum_up(struct run_info *joint, const struct run_info *of, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        joint->done += of[i].done;
        joint->all += of[i].all;
        if (strcmp(of[i].started, joint->started) > 0)
            joint->started = of[i].started;
    }
}

// The folder's own run, and the runs in folders of it, `depth` levels down.
static bool scan(struct run_list *l, const char *folder, int depth, struct abl_err *err)
{
    struct names names = { 0 };
    bool is_run;
    size_t first = l->n;
    if (!add(l, folder, &is_run, err))
        return false;
    if (!depth || (is_run && !l->items[first].joint))
        return true;
    bool ok = folder_names(folder, file_is_dir_in, &names, err);
    for (size_t i = 0; ok && i < names.n; i++) {
        char *inner = file_join(folder, names.items[i]);
        ok = (inner || abl_no_memory(err)) && scan(l, inner, is_run ? 0 : depth - 1, err);
        free(inner);
    }
    names_release(&names);
    if (ok && is_run)
        sum_up(&l->items[first], l->items + first + 1, l->n - first - 1);
    return ok;
}

// Whether a run lies in the folder of another.
static bool is_in(const struct run_info *run, const struct run_info *outer)
{
    size_t len = strlen(outer->place);
    return outer->joint && strncmp(run->place, outer->place, len) == 0 && run->place[len] == '/';
}

// The run that stands for another in the order: the joint one that it is a part of, which stands
// before it as the folders were looked at.
struct ranked {
    struct run_info run;
    const char *started; // of who stands for it
    size_t at, outer;
};

static int newest_first(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    int by_time = strcmp(b->started, a->started);
    if (by_time)
        return by_time;
    if (a->outer != b->outer)
        return (a->outer > b->outer) - (a->outer < b->outer);
    return (a->at > b->at) - (a->at < b->at);
}

static bool sort(struct run_list *l, struct abl_err *err)
{
    struct ranked *r = calloc(l->n + 1, sizeof *r);
    if (!r)
        return abl_no_memory(err);
    for (size_t i = 0, outer = 0; i < l->n; i++) {
        if (!is_in(&l->items[i], &l->items[outer]))
            outer = i;
        r[i] = (struct ranked){ l->items[i], l->items[outer].started, i, outer };
    }
    qsort(r, l->n, sizeof *r, newest_first);
    for (size_t i = 0; i < l->n; i++)
        l->items[i] = r[i].run;
    free(r);
    return true;
}

bool run_list_read(const char *folder, struct run_list *out, struct abl_err *err)
{
    enum { DEPTH = 2 }; // runs/NAME/CONDITION, of runs of several conditions that are under way
    *out = (struct run_list){ 0 };
    return scan(out, folder, DEPTH, err) && sort(out, err);
}

void run_list_release(struct run_list *l)
{
    free(l->items);
    arena_release(&l->arena);
    *l = (struct run_list){ 0 };
}
