#include "base/json.h"

#include <assert.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/string_index.h"
#include "base/utf8.h"

struct json_frame {
    bool is_object, has_items;
    struct string_index keys; // met so far in the object, each a copy in the parser's arena
};

bool json_fail(struct json *j, const char *format, ...)
{
    if (j->failed)
        return false;
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    j->failed = true;
    if (j->is_derived)
        return abl_fail(j->err, j->code, "%s: %s", j->name, message);
    return abl_fail(j->err, j->code, "%s at byte %zu: %s", j->name, j->pos, message);
}

static bool no_memory(struct json *j)
{
    j->failed = true;
    return abl_no_memory(j->err);
}

bool json_open(struct json *j, const char *name, const void *text, size_t size, enum abl_code code,
               struct abl_err *err)
{
    *j = (struct json){ .name = name, .text = text, .size = size, .code = code, .err = err };
    j->frames = arena_alloc(&j->arena, JSON_MAX_DEPTH, sizeof *j->frames);
    return j->frames || no_memory(j);
}

void json_close(struct json *j)
{
    for (int i = 0; j->frames && i < JSON_MAX_DEPTH; i++)
        string_index_release(&j->frames[i].keys);
    arena_release(&j->arena);
    j->frames = NULL;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void skip_space(struct json *j)
{
    while (j->pos < j->size && is_space(j->text[j->pos]))
        j->pos++;
}

// The next byte behind white space, -1 at the end.
static int peek_byte(struct json *j)
{
    skip_space(j);
    return j->pos < j->size ? (unsigned char)j->text[j->pos] : -1;
}

// Fail at the byte under pos.
static bool expected_here(struct json *j, const char *what)
{
    if (j->pos >= j->size)
        return json_fail(j, "found the end of the text, expected %s", what);
    unsigned char c = (unsigned char)j->text[j->pos];
    if (c < 0x20 || c > 0x7e)
        return json_fail(j, "found byte 0x%02x, expected %s", c, what);
    return json_fail(j, "found '%c', expected %s", c, what);
}

// Fail at the first byte behind white space.
static bool expected(struct json *j, const char *what)
{
    skip_space(j);
    return expected_here(j, what);
}

// Fail at an earlier place.
static bool expected_at(struct json *j, size_t pos, const char *what)
{
    if (!j->failed)
        j->pos = pos;
    return expected_here(j, what);
}

bool json_end(struct json *j)
{
    if (j->failed)
        return false;
    return peek_byte(j) < 0 || expected(j, "nothing behind the value");
}

enum json_type json_peek(struct json *j)
{
    int c = j->failed ? -1 : peek_byte(j);
    switch (c) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return c == '-' || (c >= '0' && c <= '9') ? JSON_NUMBER : JSON_NONE;
    }
}

static bool enter(struct json *j, bool is_object)
{
    if (j->failed)
        return false;
    if (peek_byte(j) != (is_object ? '{' : '['))
        return expected(j, is_object ? "an object" : "an array");
    if (j->depth == JSON_MAX_DEPTH)
        return json_fail(j, "found a value nested deeper than %d, expected a flatter text",
                         JSON_MAX_DEPTH);
    j->pos++;
    struct json_frame *f = &j->frames[j->depth++];
    f->is_object = is_object;
    f->has_items = false;
    string_index_clear(&f->keys);
    return true;
}

bool json_object(struct json *j)
{
    return enter(j, true);
}

bool json_array(struct json *j)
{
    return enter(j, false);
}

static bool remember_key(struct json *j, struct json_text key, size_t pos)
{
    struct string_index *keys = &j->frames[j->depth - 1].keys;
    size_t n_before = keys->n;
    if (!string_index_put(keys, key.data, key.len, 0))
        return no_memory(j);
    if (keys->n > n_before)
        return true;
    j->pos = pos;
    return json_fail(j, "found a duplicate key \"%.*s\", expected it once",
                     (int)(key.len < 80 ? key.len : 80), key.data);
}

// True when another item follows in the innermost container; leaves the container at its end.
static bool more(struct json *j, bool is_object)
{
    if (j->failed)
        return false;
    assert(j->depth > 0);
    struct json_frame *f = &j->frames[j->depth - 1];
    assert(f->is_object == is_object);
    int c = peek_byte(j);
    if (c == (is_object ? '}' : ']')) {
        j->pos++;
        j->depth--;
        return false;
    }
    if (!f->has_items) {
        f->has_items = true;
        return true;
    }
    if (c != ',')
        return expected(j, is_object ? "',' or '}'" : "',' or ']'");
    j->pos++;
    c = peek_byte(j);
    if (c == '}' || c == ']')
        return expected(j, "another item behind ','");
    return true;
}

bool json_next_key(struct json *j, struct json_text *key)
{
    if (!more(j, true))
        return false;
    peek_byte(j);
    size_t pos = j->pos;
    if (!json_string(j, key) || !remember_key(j, *key, pos))
        return false;
    if (peek_byte(j) != ':')
        return expected(j, "':'");
    j->pos++;
    return true;
}

bool json_next_item(struct json *j)
{
    return more(j, false);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool hex4(struct json *j, uint32_t *out)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++, j->pos++) {
        int digit = j->pos < j->size ? hex_digit(j->text[j->pos]) : -1;
        if (digit < 0)
            return expected_here(j, "four hex digits behind \\u");
        v = v * 16 + (uint32_t)digit;
    }
    *out = v;
    return true;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = n - 1; i; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[n] | c);
    return n;
}

static bool half_pair(struct json *j, size_t start)
{
    j->pos = start;
    return json_fail(j, "found half a surrogate pair, expected \\uD800-\\uDBFF then "
                        "\\uDC00-\\uDFFF");
}

// \uXXXX, with its second half where it is the first of a surrogate pair; pos is behind the 'u'.
static bool unicode_escape(struct json *j, char *out, size_t *len)
{
    size_t start = j->pos - 2;
    uint32_t c = 0, low = 0;
    if (!hex4(j, &c))
        return false;
    if (c >= 0xdc00 && c <= 0xdfff)
        return half_pair(j, start);
    if (c >= 0xd800 && c <= 0xdbff) {
        if (j->size - j->pos < 2 || j->text[j->pos] != '\\' || j->text[j->pos + 1] != 'u')
            return half_pair(j, start);
        j->pos += 2;
        if (!hex4(j, &low))
            return false;
        if (low < 0xdc00 || low > 0xdfff)
            return half_pair(j, start);
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    *len += put_utf8(out + *len, c);
    return true;
}

static bool escape(struct json *j, char *out, size_t *len)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    j->pos++;
    char c = j->pos < j->size ? j->text[j->pos] : '\0';
    const char *found = c ? strchr(from, c) : NULL;
    if (!found && c != 'u')
        return expected_here(j, "one of \"\\/bfnrtu behind \\");
    j->pos++;
    if (!found)
        return unicode_escape(j, out, len);
    out[(*len)++] = to[found - from];
    return true;
}

// Undo escapes from the opening quote on; out has room for the rest of the text up to
// the closing quote.
static bool string_body(struct json *j, char *out, size_t *len)
{
    for (;;) {
        if (j->pos >= j->size)
            return expected_here(j, "'\"' at the end of the string");
        unsigned char c = (unsigned char)j->text[j->pos];
        if (c == '"') {
            j->pos++;
            return true;
        }
        if (c < 0x20)
            return expected_here(j, "control characters in a string as escapes");
        if (c == '\\') {
            if (!escape(j, out, len))
                return false;
            continue;
        }
        if (c < 0x80) {
            out[(*len)++] = (char)c;
            j->pos++;
            continue;
        }
        size_t n = utf8_sequence((const unsigned char *)j->text + j->pos, j->size - j->pos);
        if (!n)
            return expected_here(j, "valid UTF-8");
        memcpy(out + *len, j->text + j->pos, n);
        *len += n;
        j->pos += n;
    }
}

// Bytes up to the closing quote: no undone string is longer than its escaped form.
static size_t raw_length(const struct json *j)
{
    size_t at = j->pos;
    while (at < j->size && j->text[at] != '"')
        at += j->text[at] == '\\' ? 2 : 1;
    return (at < j->size ? at : j->size) - j->pos;
}

bool json_string(struct json *j, struct json_text *out)
{
    if (j->failed)
        return false;
    if (peek_byte(j) != '"')
        return expected(j, "a string");
    j->pos++;
    char *text = arena_alloc(&j->arena, raw_length(j) + 1, 1);
    size_t len = 0;
    if (!text)
        return no_memory(j);
    if (!string_body(j, text, &len))
        return false;
    *out = (struct json_text){ .data = text, .len = len };
    return true;
}

static size_t digits(const struct json *j, size_t at)
{
    size_t n = 0;
    while (at + n < j->size && j->text[at + n] >= '0' && j->text[at + n] <= '9')
        n++;
    return n;
}

// Length of the number at pos by RFC 8259's grammar; 0 after a failure.
static size_t number_length(struct json *j)
{
    size_t at = j->pos + (j->text[j->pos] == '-');
    size_t n = digits(j, at);
    if (!n || (n > 1 && j->text[at] == '0'))
        return expected_at(j, n ? at + 1 : at, n ? "no digit behind a leading 0" : "a digit");
    at += n;
    if (at < j->size && j->text[at] == '.') {
        n = digits(j, ++at);
        if (!n)
            return expected_at(j, at, "a digit behind '.'");
        at += n;
    }
    if (at < j->size && (j->text[at] == 'e' || j->text[at] == 'E')) {
        at++;
        at += at < j->size && (j->text[at] == '+' || j->text[at] == '-');
        n = digits(j, at);
        if (!n)
            return expected_at(j, at, "a digit in the exponent");
        at += n;
    }
    return at - j->pos;
}

// Up to 40 bytes of the number at pos, for messages.
static int shown(size_t len)
{
    return (int)(len < 40 ? len : 40);
}

bool json_u64(struct json *j, uint64_t *out)
{
    if (j->failed)
        return false;
    if (json_peek(j) != JSON_NUMBER)
        return expected(j, "a whole number");
    size_t len = number_length(j);
    if (!len)
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < len; i++) {
        char c = j->text[j->pos + i];
        if (c < '0' || c > '9')
            return json_fail(j, "found %.*s, expected a whole number from 0 on", shown(len),
                             j->text + j->pos);
        if (__builtin_mul_overflow(v, (uint64_t)10, &v)
            || __builtin_add_overflow(v, (uint64_t)(c - '0'), &v))
            return json_fail(j, "found %.*s, expected at most 18446744073709551615", shown(len),
                             j->text + j->pos);
    }
    j->pos += len;
    *out = v;
    return true;
}

bool json_double(struct json *j, double *out)
{
    if (j->failed)
        return false;
    if (json_peek(j) != JSON_NUMBER)
        return expected(j, "a number");
    size_t len = number_length(j);
    char *copy = len ? arena_strndup(&j->arena, j->text + j->pos, len) : NULL;
    if (!len)
        return false;
    locale_t c = copy ? newlocale(LC_ALL_MASK, "C", (locale_t)0) : (locale_t)0;
    if (!c)
        return no_memory(j);
    double v = strtod_l(copy, NULL, c);
    freelocale(c);
    if (!isfinite(v))
        return json_fail(j, "found %.*s, expected a number within +-1.8e308", shown(len),
                         j->text + j->pos);
    j->pos += len;
    *out = v;
    return true;
}

static bool word(struct json *j, const char *text, const char *what)
{
    if (j->failed)
        return false;
    skip_space(j);
    for (size_t i = 0; text[i]; i++)
        if (j->pos + i >= j->size || j->text[j->pos + i] != text[i])
            return expected_at(j, j->pos + i, what);
    j->pos += strlen(text);
    return true;
}

bool json_bool(struct json *j, bool *out)
{
    bool v = json_peek(j) == JSON_TRUE;
    if (!word(j, v ? "true" : "false", "true or false"))
        return false;
    *out = v;
    return true;
}

bool json_null(struct json *j)
{
    return word(j, "null", "null");
}

bool json_took_null(struct json *j)
{
    return json_peek(j) == JSON_NULL && json_null(j);
}

bool json_string_or_skip(struct json *j, struct json_text *out)
{
    *out = (struct json_text){ 0 };
    return json_peek(j) == JSON_STRING ? json_string(j, out) : json_skip(j);
}

// One value that is no container.
static bool skip_scalar(struct json *j)
{
    struct json_text text;
    size_t len;
    bool truth;
    switch (json_peek(j)) {
    case JSON_STRING:
        return json_string(j, &text);
    case JSON_NUMBER: // the grammar sets no bound on its value
        len = number_length(j);
        j->pos += len;
        return len > 0;
    case JSON_TRUE:
    case JSON_FALSE:
        return json_bool(j, &truth);
    case JSON_NULL:
        return json_null(j);
    default:
        return expected(j, "a value");
    }
}

bool json_skip(struct json *j)
{
    if (j->failed)
        return false;
    int outside = j->depth;
    struct json_text key;
    do {
        enum json_type type = json_peek(j);
        if (type == JSON_OBJECT || type == JSON_ARRAY) {
            if (!enter(j, type == JSON_OBJECT))
                return false;
        } else if (!skip_scalar(j))
            return false;
        // Leave what ended here; stop at the next value inside, if any.
        while (j->depth > outside) {
            bool next
                = j->frames[j->depth - 1].is_object ? json_next_key(j, &key) : json_next_item(j);
            if (j->failed)
                return false;
            if (next)
                break;
        }
    } while (j->depth > outside);
    return true;
}

bool json_key_is(struct json_text key, const char *name)
{
    size_t len = strlen(name);
    return key.len == len && memcmp(key.data, name, len) == 0;
}
