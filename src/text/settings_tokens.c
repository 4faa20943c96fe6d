#include "text/settings_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

bool settings_keep_text(struct json *j, struct tokenizer_settings *s, struct json_text *text)
{
    text->data = arena_strndup(&s->arena, text->data ? text->data : "", text->len);
    return text->data || abl_no_memory(j->err);
}

// ---------------------------------------------------------------------------------- special tokens

bool settings_read_special(struct json *j, struct tokenizer_settings *s, void *to)
{
    struct special_token *out = to;
    struct added_entry e;
    bool flagged = json_peek(j) == JSON_OBJECT;
    if (!special_entry_read(j, &e))
        return false;
    *out = (struct special_token){
        .given = true, .flagged = flagged, .flags = e.flags, .own_flags = e.own_flags
    };
    if (!e.has_content)
        return true;
    out->text = e.content;
    return settings_keep_text(j, s, &out->text);
}

static bool push_special(struct json *j, struct special_list *list, struct special_token t)
{
    struct special_token *items = array_room(list->items, list->n, &list->cap, sizeof *items);
    if (!items)
        return abl_no_memory(j->err);
    list->items = items;
    list->items[list->n++] = t;
    return true;
}

bool settings_read_special_list(struct json *j, struct tokenizer_settings *s, void *to)
{
    struct special_list *list = to;
    if (json_took_null(j))
        return true;
    if (!json_array(j))
        return false;
    list->given = true;
    while (json_next_item(j)) {
        struct special_token t;
        if (!settings_read_special(j, s, &t))
            return false;
        if (t.text.len && !push_special(j, list, t))
            return false;
    }
    return !j->failed;
}

static bool read_named(struct json *j, struct tokenizer_settings *s, struct json_text key,
                       struct special_list *list)
{
    struct special_token t;
    if (!settings_keep_text(j, s, &key) || !settings_read_special(j, s, &t))
        return false;
    t.key = key;
    return !t.text.len || push_special(j, list, t);
}

bool settings_read_special_names(struct json *j, struct tokenizer_settings *s, void *to)
{
    struct special_list *list = to;
    struct json_text key;
    if (json_took_null(j))
        return true;
    if (!json_object(j))
        return false;
    while (json_next_key(j, &key)) {
        if (!read_named(j, s, key, list))
            return false;
    }
    return !j->failed;
}

bool settings_read_extra(struct json *j, struct tokenizer_settings *s, void *to)
{
    return json_peek(j) == JSON_OBJECT ? settings_read_special_names(j, s, &s->named)
                                       : settings_read_special_list(j, s, to);
}

bool settings_read_other(struct json *j, struct tokenizer_settings *s, struct json_text key)
{
    enum json_type type = json_peek(j);
    if (type != JSON_STRING && type != JSON_OBJECT)
        return json_skip(j);
    return read_named(j, s, key, &s->other);
}

// ------------------------------------------------------------------------------------ added tokens

static bool push_numbered(struct json *j, struct tokenizer_settings *s, struct numbered_list *list,
                          struct numbered_token t)
{
    struct numbered_token *items = array_room(list->items, list->n, &list->cap, sizeof *items);
    if (!items)
        return abl_no_memory(j->err);
    list->items = items;
    if (!settings_keep_text(j, s, &t.text))
        return false;
    t.place = list->n;
    list->items[list->n++] = t;
    return true;
}

static int by_id_then_place(const void *a, const void *b)
{
    const struct numbered_token *x = a, *y = b;
    return x->id != y->id ? (x->id > y->id) - (x->id < y->id)
                          : (x->place > y->place) - (x->place < y->place);
}

// In the order of ids, in which they are added.
static void sort_numbered(struct numbered_list *list)
{
    if (list->n)
        qsort(list->items, list->n, sizeof *list->items, by_id_then_place);
}

static bool key_to_id(struct json *j, struct json_text key, uint32_t *out)
{
    uint32_t id = 0;
    for (size_t i = 0; i < key.len; i++) {
        if (key.data[i] < '0' || key.data[i] > '9' || id > MAX_TOKEN_ID / 10)
            return json_fail(j, "found \"%.40s\", expected a token id", key.data);
        id = id * 10 + (uint32_t)(key.data[i] - '0');
    }
    *out = id;
    return key.len || json_fail(j, "found \"\", expected a token id");
}

bool settings_read_decoder(struct json *j, struct tokenizer_settings *s, void *to)
{
    struct numbered_list *list = to;
    struct json_text key;
    struct added_entry e;
    struct numbered_token t = { 0 };
    if (!json_object(j))
        return false;
    list->given = true;
    while (json_next_key(j, &key)) {
        if (!key_to_id(j, key, &t.id) || !added_entry_read(j, &e))
            return false;
        t.text = e.content;
        t.flags = e.flags;
        if (t.text.len && !push_numbered(j, s, list, t))
            return false;
    }
    sort_numbered(list);
    return !j->failed;
}

bool settings_read_plain(struct json *j, struct tokenizer_settings *s)
{
    struct numbered_token t = { .plain = true };
    if (!json_object(j))
        return false;
    while (json_next_key(j, &t.text))
        if (!definition_token_id(j, &t.id) || (t.text.len && !push_numbered(j, s, &s->plain, t)))
            return false;
    sort_numbered(&s->plain);
    return json_end(j);
}
