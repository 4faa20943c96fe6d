#include "report/ov_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_tree.h"
#include "report/run_info.h"

enum { REPORT_MAX = 256 << 20 };

struct reader {
    const char *path;
    struct arena *arena;
    struct abl_err *err;
};

// A value of the type that `is` asks for; place names where it stands.
static const cJSON *need(const struct reader *r, const cJSON *o, const char *place, const char *key,
                         cJSON_bool (*is)(const cJSON *), const char *expected)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    if (item && is(item))
        return item;
    abl_fail(r->err, ABL_BAD_DATA, "'%s': %s\"%s\" is %s: expected %s, as 'abltui ov' writes it",
             r->path, place, key, item ? "something else" : "missing", expected);
    return NULL;
}

static bool need_text(const struct reader *r, const cJSON *o, const char *place, const char *key,
                      const char **out)
{
    const cJSON *item = need(r, o, place, key, cJSON_IsString, "a string");
    if (!item)
        return false;
    *out = arena_strdup(r->arena, item->valuestring);
    return *out || abl_no_memory(r->err);
}

static bool need_number(const struct reader *r, const cJSON *o, const char *place, const char *key,
                        double *out)
{
    const cJSON *item = need(r, o, place, key, cJSON_IsNumber, "a number");
    if (item)
        *out = item->valuedouble;
    return item != NULL;
}

static bool need_count(const struct reader *r, const cJSON *o, const char *place, const char *key,
                       uint32_t *out)
{
    double value;
    if (!need_number(r, o, place, key, &value))
        return false;
    if (!(value >= 0 && value < 1e9) || value != floor(value))
        return abl_fail(r->err, ABL_BAD_DATA, "'%s': %s\"%s\" is %g: expected a whole number",
                        r->path, place, key, value);
    *out = (uint32_t)value;
    return true;
}

static bool read_tokens(const struct reader *r, const cJSON *o, const char *place, const char *key,
                        struct scored_tokens *out)
{
    const cJSON *list = need(r, o, place, key, cJSON_IsArray, "a list of tokens"), *item;
    if (!list)
        return false;
    out->items = arena_alloc(r->arena, (size_t)cJSON_GetArraySize(list), sizeof *out->items);
    if (!out->items)
        return abl_no_memory(r->err);
    out->n = 0;
    cJSON_ArrayForEach(item, list)
    {
        struct scored_token *t = &out->items[out->n];
        if (!need_text(r, item, place, "token", &t->text)
            || !need_number(r, item, place, "logit", &t->logit))
            return false;
        out->n++;
    }
    return true;
}

// The direction, where there is one; every head of a file has as many numbers.
static bool read_vector(const struct reader *r, const cJSON *o, const char *place,
                        struct ov_file *f, struct written_head *h)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "vector"), *item;
    if (!list)
        return true;
    size_t n = (size_t)cJSON_GetArraySize(list), i = 0;
    if (!cJSON_IsArray(list) || !n || (f->d_model && n != f->d_model))
        return abl_fail(r->err, ABL_BAD_DATA,
                        "'%s': %s\"vector\" has %zu numbers: expected %zu as the others", r->path,
                        place, n, f->d_model);
    f->d_model = n;
    h->vector = arena_alloc(r->arena, n, sizeof *h->vector);
    if (!h->vector)
        return abl_no_memory(r->err);
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsNumber(item))
            return abl_fail(r->err, ABL_BAD_DATA, "'%s': %s\"vector\"[%zu] is no number", r->path,
                            place, i);
        h->vector[i++] = item->valuedouble;
    }
    return true;
}

static bool read_head(const struct reader *r, const cJSON *o, size_t number, struct ov_file *f)
{
    struct written_head *h = &f->heads[number];
    const char *place = arena_printf(r->arena, "heads[%zu].", number);
    if (!place)
        return abl_no_memory(r->err);
    const cJSON *tokens = need(r, o, place, "tokens", cJSON_IsObject, "an object");
    return tokens && need_count(r, o, place, "layer", &h->layer)
           && need_count(r, o, place, "head", &h->head)
           && need_number(r, o, place, "vector_norm", &h->vector_norm)
           && read_tokens(r, tokens, place, "top", &h->top)
           && read_tokens(r, tokens, place, "bottom", &h->bottom) && read_vector(r, o, place, f, h);
}

static bool read_report(const struct reader *r, const cJSON *root, struct ov_file *f)
{
    const char *schema = NULL;
    const cJSON *heads, *item;
    if (!cJSON_IsObject(root))
        return abl_fail(r->err, ABL_BAD_DATA, "'%s': expected an object", r->path);
    if (!need_text(r, root, "", "schema", &schema))
        return false;
    if (strcmp(schema, "abltui.ov_report/1") != 0)
        return abl_fail(r->err, ABL_BAD_DATA,
                        "'%s': \"schema\" is '%s': expected abltui.ov_report/1", r->path, schema);
    heads = need(r, root, "", "heads", cJSON_IsArray, "a list of heads");
    if (!heads || !need_text(r, root, "", "model", &f->model)
        || !need_text(r, root, "", "condition", &f->condition)
        || !need_text(r, root, "", "kind", &f->kind))
        return false;
    const cJSON *vocab = cJSON_GetObjectItemCaseSensitive(root, "vocab_sha256");
    if (cJSON_IsString(vocab) && !need_text(r, root, "", "vocab_sha256", &f->vocab_sha256))
        return false;
    f->heads = arena_alloc(r->arena, (size_t)cJSON_GetArraySize(heads), sizeof *f->heads);
    if (!f->heads)
        return abl_no_memory(r->err);
    cJSON_ArrayForEach(item, heads)
    {
        if (!read_head(r, item, f->n_heads, f))
            return false;
        f->n_heads++;
    }
    return true;
}

bool ov_file_read(const char *path, struct arena *a, const struct ov_file **out,
                  struct abl_err *err)
{
    struct ov_file *f = arena_alloc(a, 1, sizeof *f);
    const char *file = file_is_dir(path) ? file_path(a, "%s/ov_report.json", path) : path;
    if (!f || !file)
        return abl_no_memory(err);
    if (file != path && !run_is_not_incomplete(path, err))
        return false;
    if (file != path && !file_exists(file))
        return abl_fail(err, ABL_BAD_DATA,
                        "'%s' holds no ov_report.json: expected a run directory of 'abltui ov "
                        "--export'; of several conditions name each one's folder",
                        path);
    cJSON *root = json_tree_read(file, REPORT_MAX, JSON_TREE_DOUBLES, ABL_BAD_DATA, err);
    struct reader r = { file, a, err };
    bool ok = root && read_report(&r, root, f);
    cJSON_Delete(root);
    f->path = file;
    if (ok)
        *out = f;
    return ok;
}
