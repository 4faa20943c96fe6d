#include "base/json_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

struct reader {
    struct json json;
    enum json_tree_numbers numbers;
    size_t n_values;
};

// The depth is the parser's.
static cJSON *read_value(struct reader *r);

// NULL: the parser has failed, or memory is out.
static bool take(struct reader *r, cJSON *item)
{
    if (!item && !r->json.failed) {
        r->json.failed = true;
        abl_no_memory(r->json.err);
    }
    return item != NULL;
}

// What cJSON holds ends at a NUL.
static bool is_whole(struct reader *r, struct json_text text)
{
    return !memchr(text.data, '\0', text.len)
           || json_fail(&r->json, "found \\u0000 in a text, expected none");
}

static cJSON *read_string(struct reader *r)
{
    struct json_text text;
    return json_string(&r->json, &text) && is_whole(r, text) ? cJSON_CreateString(text.data) : NULL;
}

static cJSON *read_number(struct reader *r)
{
    double value = 0;
    size_t begin = r->json.pos; // json_peek has passed white space
    if (r->numbers == JSON_TREE_DOUBLES)
        return json_double(&r->json, &value) ? cJSON_CreateNumber(value) : NULL;
    if (!json_skip(&r->json))
        return NULL;
    char *digits = strndup(r->json.text + begin, r->json.pos - begin);
    cJSON *item = digits ? cJSON_CreateRaw(digits) : NULL;
    free(digits);
    return item;
}

static cJSON *read_word(struct reader *r, enum json_type type)
{
    bool truth;
    if (type == JSON_NULL)
        return json_null(&r->json) ? cJSON_CreateNull() : NULL;
    return json_bool(&r->json, &truth) ? cJSON_CreateBool(truth) : NULL;
}

static bool read_members(struct reader *r, cJSON *object)
{
    struct json_text key;
    while (json_next_key(&r->json, &key)) {
        cJSON *item = is_whole(r, key) ? read_value(r) : NULL;
        if (!take(r, item))
            return false;
        if (!cJSON_AddItemToObject(object, key.data, item)) {
            cJSON_Delete(item);
            return take(r, NULL);
        }
    }
    return !r->json.failed;
}

static bool read_items(struct reader *r, cJSON *array)
{
    while (json_next_item(&r->json)) {
        cJSON *item = read_value(r);
        if (!take(r, item))
            return false;
        cJSON_AddItemToArray(array, item);
    }
    return !r->json.failed;
}

static cJSON *read_container(struct reader *r, enum json_type type)
{
    bool is_object = type == JSON_OBJECT;
    if (!(is_object ? json_object(&r->json) : json_array(&r->json)))
        return NULL;
    cJSON *made = is_object ? cJSON_CreateObject() : cJSON_CreateArray();
    if (take(r, made) && (is_object ? read_members(r, made) : read_items(r, made)))
        return made;
    cJSON_Delete(made);
    return NULL;
}

static cJSON *read_value(struct reader *r)
{
    enum json_type type = json_peek(&r->json);
    if (++r->n_values > JSON_TREE_MAX_VALUES) {
        json_fail(&r->json, "found more than %d values, expected fewer", JSON_TREE_MAX_VALUES);
        return NULL;
    }
    switch (type) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return read_container(r, type);
    case JSON_STRING:
        return read_string(r);
    case JSON_NUMBER:
        return read_number(r);
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        return read_word(r, type);
    case JSON_NONE:
        break;
    }
    json_skip(&r->json); // says what it found
    return NULL;
}

cJSON *json_tree(const char *name, const void *text, size_t size, enum json_tree_numbers numbers,
                 enum abl_code code, struct abl_err *err)
{
    struct reader r = { .numbers = numbers };
    cJSON *root = NULL;
    if (json_open(&r.json, name, text, size, code, err)) {
        root = read_value(&r);
        take(&r, root);
        if (!json_end(&r.json)) {
            cJSON_Delete(root);
            root = NULL;
        }
    }
    json_close(&r.json);
    return root;
}

cJSON *json_tree_read(const char *path, size_t max_size, enum json_tree_numbers numbers,
                      enum abl_code code, struct abl_err *err)
{
    struct file_bytes bytes;
    char *name;
    cJSON *root = NULL;
    if (!file_read(path, max_size, &bytes, code, err))
        return NULL;
    if (asprintf(&name, "'%s'", path) < 0)
        abl_no_memory(err);
    else {
        root = json_tree(name, bytes.data, bytes.size, numbers, code, err);
        free(name);
    }
    file_bytes_release(&bytes);
    return root;
}

const char *json_tree_text(const cJSON *o, const char *name, const char *missing)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);
    return cJSON_IsString(item) ? item->valuestring : missing;
}
