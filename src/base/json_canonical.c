#include "base/json_canonical.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"

// One member of an object, its value already in canonical form.
struct member {
    struct json_text key;
    struct buf value;
};

struct members {
    struct member *items;
    size_t n, cap;
};

static bool put_value(struct json *j, struct buf *out);

// One code point of well-formed UTF-8, which the parser has checked; *text moves behind it.
static uint32_t next_code_point(const unsigned char **text)
{
    const unsigned char *s = *text;
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t c = s[0] & mask[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (s[i] & 0x3f);
    *text = s + n;
    return c;
}

static void put_escaped(struct buf *out, uint32_t c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *found = c && c < 0x80 ? strchr(from, (int)c) : NULL;
    if (found)
        buf_printf(out, "\\%c", to[found - from]);
    else if (c >= 0x10000) // a surrogate pair
        buf_printf(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + ((c - 0x10000) >> 10),
                   0xdc00 + ((c - 0x10000) & 0x3ff));
    else
        buf_printf(out, "\\u%04" PRIx32, c);
}

static void put_string(struct buf *out, struct json_text text)
{
    const unsigned char *at = (const unsigned char *)text.data, *end = at + text.len;
    buf_char(out, '"');
    while (at < end) {
        uint32_t c = next_code_point(&at);
        if (c >= 0x20 && c <= 0x7e && c != '"' && c != '\\')
            buf_char(out, (char)c);
        else
            put_escaped(out, c);
    }
    buf_char(out, '"');
}

// Python's repr: the fewest digits that come back as the same double; an exponent where the first
// digit is worth less than 1e-4 or at least 1e16.
static void put_double(struct buf *out, double value)
{
    char text[40], digits[24];
    int n = 0, exponent;
    for (int precision = 0; precision < DBL_DECIMAL_DIG; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, fabs(value));
        if (strtod(text, NULL) == fabs(value))
            break;
    }
    exponent = atoi(strchr(text, 'e') + 1);
    for (const char *c = text; *c != 'e'; c++) // without the locale's decimal point
        if (*c >= '0' && *c <= '9')
            digits[n++] = *c;
    buf_str(out, signbit(value) ? "-" : "");
    if (exponent < -4 || exponent >= 16) {
        buf_printf(out, "%c%s%.*se%c%02d", digits[0], n > 1 ? "." : "", n - 1, digits + 1,
                   exponent < 0 ? '-' : '+', abs(exponent));
        return;
    }
    if (exponent < 0) {
        buf_printf(out, "0.%.*s%.*s", -exponent - 1, "0000", n, digits);
        return;
    }
    for (int i = 0; i <= exponent || i < n; i++) {
        if (i == exponent + 1)
            buf_char(out, '.');
        buf_char(out, i < n ? digits[i] : '0');
    }
    if (n <= exponent + 1)
        buf_str(out, ".0");
}

// A whole number of any length stays as it is; "-0" is 0, as Python reads it.
static bool put_number(struct json *j, struct buf *out)
{
    const char *start = j->text + j->pos;
    double value;
    if (!json_double(j, &value))
        return false;
    size_t len = (size_t)(j->text + j->pos - start);
    if (memchr(start, '.', len) || memchr(start, 'e', len) || memchr(start, 'E', len))
        put_double(out, value);
    else if (len == 2 && memcmp(start, "-0", 2) == 0)
        buf_char(out, '0');
    else
        buf_add(out, start, len);
    return true;
}

static int by_key(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
    int order = memcmp(x->key.data, y->key.data, n); // of UTF-8: that of the code points
    return order ? order : (x->key.len > y->key.len) - (x->key.len < y->key.len);
}

static bool read_members(struct json *j, struct members *m)
{
    struct json_text key;
    while (json_next_key(j, &key)) {
        struct member *more = array_room(m->items, m->n, &m->cap, sizeof *more);
        if (!more)
            return abl_no_memory(j->err);
        m->items = more;
        struct member *to = &m->items[m->n++];
        *to = (struct member){ .key = key };
        if (!put_value(j, &to->value))
            return false;
    }
    return !j->failed;
}

static bool put_object(struct json *j, struct buf *out)
{
    struct members m = { 0 };
    bool ok = json_object(j) && read_members(j, &m);
    if (m.n)
        qsort(m.items, m.n, sizeof *m.items, by_key);
    buf_char(out, '{');
    for (size_t i = 0; i < m.n; i++) {
        buf_str(out, i ? "," : "");
        put_string(out, m.items[i].key);
        buf_char(out, ':');
        buf_add(out, m.items[i].value.data, m.items[i].value.len);
        out->failed = out->failed || m.items[i].value.failed;
        buf_release(&m.items[i].value);
    }
    buf_char(out, '}');
    free(m.items);
    return ok;
}

static bool put_array(struct json *j, struct buf *out)
{
    const char *comma = "";
    if (!json_array(j))
        return false;
    buf_char(out, '[');
    for (; json_next_item(j); comma = ",") {
        buf_str(out, comma);
        if (!put_value(j, out))
            return false;
    }
    buf_char(out, ']');
    return !j->failed;
}

static bool put_value(struct json *j, struct buf *out)
{
    struct json_text text;
    bool flag;
    switch (json_peek(j)) {
    case JSON_OBJECT:
        return put_object(j, out);
    case JSON_ARRAY:
        return put_array(j, out);
    case JSON_NUMBER:
        return put_number(j, out);
    case JSON_STRING:
        if (!json_string(j, &text))
            return false;
        put_string(out, text);
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        if (!json_bool(j, &flag))
            return false;
        buf_str(out, flag ? "true" : "false");
        return true;
    case JSON_NULL:
        buf_str(out, "null");
        return json_null(j);
    case JSON_NONE:
        break;
    }
    return json_fail(j, "found no value, expected JSON");
}

bool json_canonical(const char *name, const void *text, size_t size, enum abl_code code,
                    struct buf *out, struct abl_err *err)
{
    struct json j;
    bool ok = json_open(&j, name, text, size, code, err) && put_value(&j, out) && json_end(&j);
    json_close(&j);
    return ok && (!out->failed || abl_no_memory(err));
}
