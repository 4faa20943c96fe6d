#include "model/config_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"

// The word at the start of text that Python's json writes for a number that JSON has not; 0: none.
static size_t python_number(const char *text, size_t len)
{
    static const char *const words[] = { "NaN", "Infinity", "-Infinity" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) <= len && memcmp(text, words[i], strlen(words[i])) == 0)
            return strlen(words[i]);
    return 0;
}

// The text with such words in quotes.
static void quote_words(const char *text, size_t len, struct buf *out)
{
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        size_t word = in_string ? 0 : python_number(text + i, len - i);
        if (in_string && text[i] == '\\' && i + 1 < len)
            buf_char(out, text[i++]);
        else if (text[i] == '"')
            in_string = !in_string;
        if (!word) {
            buf_char(out, text[i]);
            continue;
        }
        buf_printf(out, "\"%.*s\"", (int)word, text + i);
        i += word - 1;
    }
}

// cJSON takes duplicate keys, broken UTF-8 and keys cut at a NUL; the strict parser does not.
static bool check_text(const struct config *c, const struct buf *text)
{
    struct json j;
    bool ok = json_open(&j, c->path, text->data ? text->data : "", text->len, ABL_BAD_MODEL, c->err)
              && json_skip(&j) && json_end(&j);
    json_close(&j);
    return ok;
}

bool config_value_parse(struct config *c, const struct file_bytes *text)
{
    struct buf quoted = { 0 };
    quote_words(text->data, text->size, &quoted);
    buf_str(&quoted, "");
    bool ok = (!quoted.failed || abl_no_memory(c->err)) && check_text(c, &quoted);
    if (ok) {
        // The NUL behind the text counts: it is how cJSON checks that nothing else is there.
        c->root = cJSON_ParseWithLengthOpts(quoted.data, quoted.len + 1, NULL, true);
        // It is JSON: what stops cJSON is memory.
        ok = c->root ? cJSON_IsObject(c->root)
                           || abl_fail(c->err, ABL_BAD_MODEL,
                                       "'%s' is not a JSON object; download it again", c->path)
                     : abl_no_memory(c->err);
    }
    buf_release(&quoted);
    return ok;
}

const cJSON *config_value_get(const cJSON *object, const char *key)
{
    return object && key ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

bool config_value_bad(const struct config *c, const cJSON *v, const char *expected)
{
    char *found = cJSON_PrintUnformatted(v);
    abl_fail(c->err, ABL_BAD_MODEL, "bad \"%s\" in '%s': found %.60s, expected %s", v->string,
             c->path, found ? found : "?", expected);
    cJSON_free(found);
    return false;
}

bool config_value_whole(const struct config *c, const cJSON *v, uint32_t min, uint32_t max,
                        uint32_t *out)
{
    double d = cJSON_IsNumber(v) ? v->valuedouble : -1;
    if (!(d >= min && d <= max) || d != floor(d)) {
        char range[64];
        snprintf(range, sizeof range, "a whole number from %" PRIu32 " to %" PRIu32, min, max);
        return config_value_bad(c, v, range);
    }
    *out = (uint32_t)d;
    return true;
}

bool config_value_number(const struct config *c, const cJSON *v, double *out)
{
    if (!cJSON_IsNumber(v) || !isfinite(v->valuedouble))
        return config_value_bad(c, v, "a finite number");
    *out = v->valuedouble;
    return true;
}

bool config_value_flag(const struct config *c, const cJSON *v, bool *out)
{
    if (!cJSON_IsBool(v))
        return config_value_bad(c, v, "true or false");
    *out = cJSON_IsTrue(v);
    return true;
}
