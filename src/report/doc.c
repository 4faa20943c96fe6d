#include "report/doc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/name_text.h"
#include "report/number.h"

struct doc doc_new(void)
{
    struct doc d = { .root = cJSON_CreateObject() };
    d.failed = !d.root;
    return d;
}

void doc_release(struct doc *d)
{
    cJSON_Delete(d->root);
    *d = (struct doc){ 0 };
}

struct doc doc_file(const char *name, bool partial)
{
    char schema[64];
    snprintf(schema, sizeof schema, "abltui.%s/1", name);
    struct doc d = doc_new();
    doc_text(&d, d.root, "schema", schema);
    doc_bool(&d, d.root, "partial", partial);
    return d;
}

// Hand item to parent; returns it, or NULL after releasing it.
static cJSON *attach(struct doc *d, cJSON *parent, const char *key, cJSON *item)
{
    bool ok
        = parent && item
          && (key ? cJSON_AddItemToObject(parent, key, item) : cJSON_AddItemToArray(parent, item));
    if (ok)
        return item;
    cJSON_Delete(item);
    d->failed = true;
    return NULL;
}

cJSON *doc_object(struct doc *d, cJSON *parent, const char *key)
{
    return attach(d, parent, key, cJSON_CreateObject());
}

cJSON *doc_array(struct doc *d, cJSON *parent, const char *key)
{
    return attach(d, parent, key, cJSON_CreateArray());
}

void doc_put_valid(struct buf *out, const char *text)
{
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text;
    for (size_t left = strlen(text); left > 0;) {
        utf8proc_int32_t code;
        utf8proc_ssize_t len = utf8proc_iterate(at, (utf8proc_ssize_t)left, &code);
        if (len > 0)
            buf_add(out, at, (size_t)len);
        else
            buf_str(out, "\xef\xbf\xbd");
        size_t step = len > 0 ? (size_t)len : 1;
        at += step;
        left -= step;
    }
}

static cJSON *text_item(const char *text)
{
    struct buf valid = { 0 };
    doc_put_valid(&valid, text);
    cJSON *item = valid.failed ? NULL : cJSON_CreateString(valid.data ? valid.data : "");
    buf_release(&valid);
    return item;
}

void doc_text(struct doc *d, cJSON *parent, const char *key, const char *text)
{
    attach(d, parent, key, text ? text_item(text) : cJSON_CreateNull());
}

void doc_name(struct doc *d, cJSON *parent, const char *key, const char *name)
{
    struct buf text = { 0 };
    buf_str(&text, "");
    if (name)
        name_text(name, &text);
    d->failed |= text.failed;
    doc_text(d, parent, key, name ? text.data : NULL);
    buf_release(&text);
}

// cJSON would print numbers in its own, locale-dependent way: ours go in as raw text.
static void add_digits(struct doc *d, cJSON *parent, const char *key, const char *digits)
{
    attach(d, parent, key, *digits ? cJSON_CreateRaw(digits) : cJSON_CreateNull());
}

void doc_number(struct doc *d, cJSON *parent, const char *key, double value)
{
    char digits[NUMBER_SIZE];
    number_format(value, digits);
    add_digits(d, parent, key, digits);
}

void doc_float(struct doc *d, cJSON *parent, const char *key, float value)
{
    char digits[NUMBER_SIZE];
    number_format_float(value, digits);
    add_digits(d, parent, key, digits);
}

void doc_uint(struct doc *d, cJSON *parent, const char *key, uint64_t value)
{
    char digits[NUMBER_SIZE];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    add_digits(d, parent, key, digits);
}

void doc_raw(struct doc *d, cJSON *parent, const char *key, const char *json)
{
    attach(d, parent, key, cJSON_CreateRaw(json));
}

void doc_item(struct doc *d, cJSON *parent, const char *key, cJSON *item)
{
    attach(d, parent, key, item);
}

void doc_bool(struct doc *d, cJSON *parent, const char *key, bool value)
{
    attach(d, parent, key, cJSON_CreateBool(value));
}

void doc_null(struct doc *d, cJSON *parent, const char *key)
{
    attach(d, parent, key, cJSON_CreateNull());
}

bool doc_print(const struct doc *d, enum doc_style style, struct buf *out, struct abl_err *err)
{
    char *text = NULL;
    if (!d->failed)
        text = style == DOC_COMPACT ? cJSON_PrintUnformatted(d->root) : cJSON_Print(d->root);
    if (text) {
        buf_str(out, text);
        if (style == DOC_PRETTY)
            buf_char(out, '\n');
    }
    cJSON_free(text);
    return (text && !out->failed) || abl_no_memory(err);
}

void doc_quote(struct buf *out, const char *text)
{
    cJSON *item = text_item(text);
    char *quoted = item ? cJSON_PrintUnformatted(item) : NULL;
    if (quoted)
        buf_str(out, quoted);
    else
        out->failed = true;
    cJSON_free(quoted);
    cJSON_Delete(item);
}

bool doc_merge(cJSON *dst, const cJSON *src)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, src)
    {
        cJSON *there = cJSON_GetObjectItemCaseSensitive(dst, item->string);
        if (there && cJSON_IsObject(there) && cJSON_IsObject(item)) {
            if (!doc_merge(there, item))
                return false;
            continue;
        }
        cJSON *copy = cJSON_Duplicate(item, true);
        bool ok = copy
                  && (there ? cJSON_ReplaceItemInObjectCaseSensitive(dst, item->string, copy)
                            : cJSON_AddItemToObject(dst, item->string, copy));
        if (!ok) {
            cJSON_Delete(copy);
            return false;
        }
    }
    return true;
}
