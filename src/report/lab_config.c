#include "report/lab_config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_canonical.h"
#include "base/json_tree.h"
#include "report/config.h"
#include "report/doc.h"

struct reading {
    const char *name; // whose config it is
    struct arena *a;
    struct abl_err *err;
};

// An object whose numbers stay digits, as hashes tell 5 from 5.0; cJSON_Delete it. NULL on failure.
static cJSON *read_tree(const struct reading *r, const char *text)
{
    cJSON *tree = json_tree(r->name, text, strlen(text), JSON_TREE_DIGITS, ABL_BAD_DATA, r->err);
    if (!tree || cJSON_IsObject(tree))
        return tree;
    cJSON_Delete(tree);
    abl_fail(r->err, ABL_BAD_DATA, "'%s': expected a run file, an object", r->name);
    return NULL;
}

// harness.py: `seeds`, else `seed`, else 0.
static bool read_seeds(const struct reading *r, const cJSON *o, struct lab_config *out)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "seeds"), *item;
    const cJSON *seed = cJSON_GetObjectItemCaseSensitive(o, "seed");
    size_t n = cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0;
    uint64_t *seeds = arena_alloc(r->a, n ? n : 1, sizeof *seeds);
    if (!seeds)
        return abl_no_memory(r->err);
    seeds[0] = cJSON_IsRaw(seed) ? strtoull(seed->valuestring, NULL, 10) : 0;
    out->n_seeds = 0;
    if (n)
        cJSON_ArrayForEach(item, list)
        {
            seeds[out->n_seeds++] = cJSON_IsRaw(item) ? strtoull(item->valuestring, NULL, 10) : 0;
        }
    out->n_seeds += !n;
    out->seeds = seeds;
    return true;
}

static bool name_folder(const struct reading *r, struct lab_config *out)
{
    struct buf folder = { 0 };
    run_name_plain(&folder, out->run_name);
    buf_printf(&folder, "_%.12s", out->hash);
    out->folder = folder.failed ? NULL : arena_strdup(r->a, folder.data);
    buf_release(&folder);
    return out->folder || abl_no_memory(r->err);
}

static bool fill(const struct reading *r, const cJSON *o, struct lab_config *out)
{
    struct buf canonical = { 0 };
    char *text = cJSON_PrintUnformatted(o);
    const cJSON *run_name = cJSON_GetObjectItemCaseSensitive(o, "run_name");
    *out = (struct lab_config){ 0 };
    bool ok = text || abl_no_memory(r->err);
    ok = ok && json_canonical(r->name, text, strlen(text), ABL_BAD_DATA, &canonical, r->err);
    if (ok) {
        out->text = arena_strdup(r->a, canonical.data);
        out->run_name = arena_strdup(r->a, cJSON_IsString(run_name) && *run_name->valuestring
                                               ? run_name->valuestring
                                               : "run");
        ok = ((out->text && out->run_name) || abl_no_memory(r->err))
             && sha256_bytes(canonical.data, canonical.len, out->hash, r->err)
             && name_folder(r, out) && read_seeds(r, o, out);
    }
    buf_release(&canonical);
    cJSON_free(text);
    return ok;
}

bool lab_config_read(const char *name, const char *text, struct arena *a, struct lab_config *out,
                     struct abl_err *err)
{
    struct reading r = { name, a, err };
    cJSON *o = read_tree(&r, text);
    bool ok = o && fill(&r, o, out);
    cJSON_Delete(o);
    return ok;
}

static const char *tag_of(const cJSON *condition)
{
    const cJSON *tag = cJSON_GetObjectItemCaseSensitive(condition, "tag");
    return cJSON_IsString(tag) ? tag->valuestring : NULL;
}

static bool set_text(cJSON *o, const char *key, const char *text)
{
    cJSON_DeleteItemFromObjectCaseSensitive(o, key);
    return text && cJSON_AddStringToObject(o, key, text);
}

// conditions.py: the battery is a file beside the parent's, gone when the run has ended.
static bool make_child(const struct reading *r, const struct lab_config *parent, const cJSON *root,
                       cJSON *condition, struct lab_config *out)
{
    const cJSON *shared = cJSON_GetObjectItemCaseSensitive(root, "shared");
    const char *tag = tag_of(condition);
    const char *run_name = arena_printf(r->a, "%s_%s", parent->run_name, tag);
    const char *battery = arena_printf(r->a, "lab/runs/%s_%.12s/temp_%s_battery.json",
                                       parent->run_name, parent->hash, tag);
    cJSON_DeleteItemFromObjectCaseSensitive(condition, "battery_overrides");
    cJSON *child = cJSON_IsObject(shared) ? cJSON_Duplicate(shared, true) : cJSON_CreateObject();
    bool ok = (child && doc_merge(child, condition) && set_text(child, "run_name", run_name)
               && set_text(child, "battery", battery))
              || abl_no_memory(r->err);
    ok = ok && fill(r, child, out);
    cJSON_Delete(child);
    return ok;
}

bool lab_config_child(const char *name, const struct lab_config *parent, const char *tag,
                      struct arena *a, struct lab_config *out, struct abl_err *err)
{
    struct reading r = { name, a, err };
    cJSON *root = read_tree(&r, parent->text), *condition, *found = NULL;
    if (!root)
        return false;
    cJSON_ArrayForEach(condition, cJSON_GetObjectItemCaseSensitive(root, "conditions"))
    {
        const char *own = tag_of(condition);
        if (!found && own && strcmp(own, tag) == 0)
            found = condition;
    }
    bool ok = found ? make_child(&r, parent, root, found, out)
                    : abl_fail(err, ABL_BAD_DATA, "'%s': its run file has no condition '%s'", name,
                               tag);
    cJSON_Delete(root);
    return ok;
}

bool lab_config_tags(const char *name, const struct lab_config *c, struct arena *a,
                     const char ***tags, size_t *n, struct abl_err *err)
{
    struct reading r = { name, a, err };
    cJSON *root = read_tree(&r, c->text);
    const cJSON *conditions = cJSON_GetObjectItemCaseSensitive(root, "conditions"), *condition;
    size_t room = root ? (size_t)cJSON_GetArraySize(conditions) : 0;
    bool ok = root;
    *n = 0;
    *tags = ok ? arena_alloc(a, room ? room : 1, sizeof **tags) : NULL;
    ok = ok && (*tags || abl_no_memory(err));
    if (ok)
        cJSON_ArrayForEach(condition, conditions)
        {
            const char *tag = tag_of(condition);
            (*tags)[*n] = arena_strdup(a, tag ? tag : "");
            ok = ok && ((*tags)[(*n)++] || abl_no_memory(err));
        }
    cJSON_Delete(root);
    return ok;
}
