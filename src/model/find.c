#include "model/model.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "format/gguf.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

// Folders below dir/models, sorted; none where there is no such folder.
static bool model_folders(const char *data_dir, char ***out, size_t *n, struct abl_err *err)
{
    char *path = file_join(data_dir, "models"), **names = NULL;
    DIR *dir = path ? opendir(path) : NULL;
    size_t count = 0;
    bool ok = path || abl_no_memory(err);
    for (struct dirent *e; ok && dir && (e = readdir(dir));) {
        char *child = e->d_name[0] == '.' ? NULL : file_join(path, e->d_name);
        if (child && file_is_dir(child)) {
            char **grown = realloc(names, (count + 1) * sizeof *grown);
            names = grown ? grown : names;
            ok = grown && (names[count] = strdup(e->d_name)) != NULL;
            count += ok;
            ok = ok || abl_no_memory(err);
        }
        free(child);
    }
    if (dir)
        closedir(dir);
    free(path);
    if (!ok) {
        free_names(names, count);
        return false;
    }
    if (count)
        qsort(names, count, sizeof *names, by_name);
    *out = names;
    *n = count;
    return true;
}

static char *bundled_path(const char *data_dir, const char *name)
{
    char *models = file_join(data_dir, "models");
    char *path = models ? file_join(models, name) : NULL;
    free(models);
    return path;
}

static bool not_found(const char *name, const char *data_dir, struct abl_err *err)
{
    char **names;
    size_t n;
    struct buf list = { 0 };
    if (!model_folders(data_dir, &names, &n, err))
        return false;
    for (size_t i = 0; i < n; i++)
        buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
    free_names(names, n);
    abl_fail(err, ABL_BAD_MODEL,
             "no model '%s': expected a folder with config.json, or one of the bundled models (%s)",
             name, list.data ? list.data : "none in the data folder");
    buf_release(&list);
    return false;
}

static bool has_config(const char *folder)
{
    char *path = file_join(folder, "config.json");
    bool there = path && file_exists(path);
    free(path);
    return there;
}

// A name without '/' may also be a folder here that has nothing to do with models: that is not meant.
static bool is_path(const char *name)
{
    size_t len = strlen(name);
    bool is_safetensors = len > 12 && strcmp(name + len - 12, ".safetensors") == 0;
    return gguf_is(name) || (is_safetensors && file_exists(name))
           || (file_is_dir(name) && (strchr(name, '/') || has_config(name)));
}

bool model_find(const char *name, const char *data_dir, char **out, struct abl_err *err)
{
    bool plain = *name && name[0] != '.' && !strchr(name, '/');
    char *path = NULL;
    if (is_path(name))
        path = strdup(name);
    else if (plain)
        path = bundled_path(data_dir, name);
    else
        return not_found(name, data_dir, err);
    if (!path)
        return abl_no_memory(err);
    if (!is_path(name) && !file_is_dir(path)) {
        free(path);
        return not_found(name, data_dir, err);
    }
    *out = path;
    return true;
}

static bool describe(const char *data_dir, const char *name, struct model_entry *out,
                     struct abl_err *err)
{
    struct model *m;
    *out = (struct model_entry){ .name = strdup(name), .path = bundled_path(data_dir, name) };
    if (!out->name || !out->path)
        return abl_no_memory(err);
    if (!model_open(out->path, &m, &out->why))
        return true;
    out->usable = true;
    out->shape = m->shape;
    out->n_params = m->n_params;
    out->weight_bytes = m->weight_bytes;
    snprintf(out->dtype, sizeof out->dtype, "%s", m->dtype);
    model_free(m);
    return true;
}

bool model_list(const char *data_dir, struct model_entry **out, size_t *n, struct abl_err *err)
{
    char **names;
    size_t count;
    if (!model_folders(data_dir, &names, &count, err))
        return false;
    struct model_entry *entries = calloc(count + 1, sizeof *entries);
    bool ok = entries || abl_no_memory(err);
    for (size_t i = 0; ok && i < count; i++)
        ok = describe(data_dir, names[i], &entries[i], err);
    free_names(names, count);
    if (!ok) {
        model_entries_free(entries, entries ? count : 0);
        return false;
    }
    *out = entries;
    *n = count;
    return true;
}

void model_entries_free(struct model_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(entries[i].name);
        free(entries[i].path);
    }
    free(entries);
}
