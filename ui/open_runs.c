#include "ui/open_runs.h"

#include <stdlib.h>
#include <string.h>

#include "report/run_list.h"

static size_t find(const struct open_runs *o, const char *place)
{
    size_t i = 0;
    while (i < o->n && strcmp(o->places[i], place) != 0)
        i++;
    return i;
}

static bool add(struct open_runs *o, const char *place, struct abl_err *err)
{
    if (find(o, place) < o->n)
        return true;
    char **more = realloc(o->places, (o->n + 1) * sizeof *more);
    if (more)
        o->places = more;
    char *kept = more ? strdup(place) : NULL;
    if (!kept)
        return abl_no_memory(err);
    o->places[o->n++] = kept;
    return true;
}

// Whether the folder is a run of several conditions.
static bool is_joint(const struct run_list *l, const char *folder)
{
    bool joint = false;
    for (size_t i = 0; i < l->n && !joint; i++)
        joint = l->items[i].joint && strcmp(l->items[i].place, folder) == 0;
    return joint;
}

// Whether a run of the list is one that the folder is, or has as one of several conditions: runs
// that merely lie in it are named one by one.
static bool is_of(const struct run_info *run, bool joint, const char *folder)
{
    return !run->joint && (joint || strcmp(run->place, folder) == 0);
}

bool open_runs_add(struct open_runs *o, const char *folder, struct abl_err *err)
{
    struct run_list list;
    const char *first = NULL;
    bool ok = run_list_read(folder, &list, err);
    bool joint = ok && is_joint(&list, folder);
    for (size_t i = 0; ok && i < list.n; i++)
        if (is_of(&list.items[i], joint, folder)) {
            first = first ? first : list.items[i].place;
            ok = add(o, list.items[i].place, err);
        }
    if (ok && !first)
        ok = abl_fail(err, ABL_USAGE,
                      "'%s' holds no run: expected a run directory of 'abltui --export DIR'%s",
                      folder, list.n ? "; 'abltui runs' lists those below it" : "");
    if (ok)
        o->shown = find(o, first);
    run_list_release(&list);
    return ok;
}

void open_runs_release(struct open_runs *o)
{
    for (size_t i = 0; i < o->n; i++)
        free(o->places[i]);
    free(o->places);
    *o = (struct open_runs){ 0 };
}
