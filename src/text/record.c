#include "text/record.h"

#include <inttypes.h>
#include <string.h>

#include "base/array.h"

bool record_add(struct record_list *list, size_t at, size_t len, uint32_t number,
                struct abl_err *err)
{
    if (list->n == UINT32_MAX)
        return abl_fail(err, ABL_BAD_DATA, "too many rows: expected at most %" PRIu32, UINT32_MAX);
    struct record *items = array_room(list->items, list->n, &list->cap, sizeof *items);
    if (!items)
        return abl_no_memory(err);
    list->items = items;
    items[list->n++] = (struct record){ at, len, number };
    return true;
}

void record_put_string(struct buf *out, const char *text, size_t len)
{
    size_t from = 0;
    buf_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_add(out, text + from, i - from);
        buf_printf(out, "\\u%04x", c);
        from = i + 1;
    }
    buf_add(out, text + from, len - from);
    buf_char(out, '"');
}
