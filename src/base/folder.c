#include "base/folder.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_name(struct names *l, const char *name)
{
    char **grown = realloc(l->items, (l->n + 1) * sizeof *grown);
    if (!grown)
        return false;
    l->items = grown;
    l->items[l->n] = strdup(name);
    return l->items[l->n++] != NULL;
}

bool folder_names(const char *path, bool (*keep)(const char *path, const char *name),
                  struct names *out, struct abl_err *err)
{
    struct names l = { 0 };
    DIR *dir = opendir(path);
    bool ok = true;
    for (struct dirent *e; ok && dir && (e = readdir(dir));)
        if (e->d_name[0] != '.' && (!keep || keep(path, e->d_name)))
            ok = add_name(&l, e->d_name);
    if (dir)
        closedir(dir);
    if (!ok) {
        names_release(&l);
        return abl_no_memory(err);
    }
    if (l.n)
        qsort(l.items, l.n, sizeof *l.items, by_name);
    *out = l;
    return true;
}

void names_release(struct names *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i]);
    free(l->items);
    *l = (struct names){ 0 };
}
