#include "text/records_json.h"

#include <string.h>

#include "base/json.h"

static bool is_blank(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!memchr(" \t\r", line[i], 3))
            return false;
    return true;
}

bool records_lines(const char *text, size_t len, const char *unit, struct record_list *out,
                   struct abl_err *err)
{
    out->text = text;
    out->unit = unit;
    size_t at = 0;
    for (uint32_t number = 1; at < len; number++) {
        const char *newline = memchr(text + at, '\n', len - at);
        size_t end = newline ? (size_t)(newline - text) : len, n = end - at;
        n -= n && text[end - 1] == '\r';
        if (!is_blank(text + at, n) && !record_add(out, at, n, number, err))
            return false;
        at = end + (newline != NULL);
    }
    return true;
}

bool records_are_lines(const char *text, size_t len)
{
    const char *newline = memchr(text, '\n', len);
    size_t n = newline ? (size_t)(newline - text) : len;
    struct json j;
    struct abl_err why;
    bool line = json_open(&j, "", text, n, ABL_BAD_DATA, &why) && json_peek(&j) == JSON_OBJECT
                && json_skip(&j) && json_end(&j);
    json_close(&j);
    for (n = newline ? n + 1 : n; line && n < len; n++)
        if (!memchr(" \t\r\n", text[n], 4))
            return true;
    return false;
}

// The items of the list that comes next.
static bool add_items(struct json *j, struct record_list *out)
{
    size_t seen = 0;
    uint32_t line = 1;
    if (!json_array(j))
        return false;
    while (json_next_item(j)) {
        json_peek(j); // goes to where it begins
        size_t at = j->pos;
        for (; seen < at; seen++)
            line += j->text[seen] == '\n';
        if (!json_skip(j) || !record_add(out, at, j->pos - at, line, j->err))
            return false;
    }
    return !j->failed;
}

// The list that is the value of some key.
static bool add_member(struct json *j, struct record_list *out)
{
    struct json_text key;
    bool found = false;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key)) {
        bool list = json_peek(j) == JSON_ARRAY;
        if (list && found)
            return json_fail(j, "two lists, where rows are one: expected [{…}, {…}]");
        found |= list;
        if (!(list ? add_items(j, out) : json_skip(j)))
            return false;
    }
    return !j->failed
           && (found
               || json_fail(j, "an object where rows are a list: expected [{…}, {…}], as pandas "
                               "writes it with orient='records'"));
}

bool records_array(const char *text, size_t len, struct record_list *out, struct abl_err *err)
{
    struct json j;
    struct buf place = { 0 };
    out->text = text;
    out->unit = "line";
    buf_printf(&place, "'%s'", out->name);
    bool ok = (!place.failed || abl_no_memory(err))
              && json_open(&j, place.data, text, len, ABL_BAD_DATA, err);
    if (ok) {
        ok = (json_peek(&j) == JSON_OBJECT ? add_member(&j, out) : add_items(&j, out))
             && json_end(&j);
        json_close(&j);
    }
    buf_release(&place);
    return ok;
}
