// A text with slots: "When {A} and {B} met, {B} gave it to". {{ and }} are the characters.
#ifndef ABL_TEXT_TEMPLATE_H
#define ABL_TEXT_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "text/slots.h"

// A slot and the literal text in front of it; the last piece of a template has no slot.
struct template_piece {
    const char *text;
    const char *slot; // its name; NULL: the text's end
    struct slot_place place;
};

struct template
{
    const char *text; // as given
    struct template_piece *pieces;
    size_t n;
};

// ABL_USAGE where a brace has no partner or a slot is none of the table's; option names whose text
// it is. In the arena.
bool template_read(const char *option, const char *text, const struct slot_table *slots,
                   struct arena *a, struct template *out, struct abl_err *err);

// Whether it has a slot of that column.
bool template_uses(const struct template *t, size_t column);

// Which of each column's values are taken.
struct filling {
    const struct slot_table *slots;
    size_t value[MAX_SLOT_COLUMNS];
};
const char *filling_of(const struct filling *f, struct slot_place place);

// Append the text, and its spans as the members of a JSON object: "A": [5, 9], in characters; a
// slot that comes again is called A2, A3, …
void template_fill(const struct template *t, const struct filling *f, struct buf *text,
                   struct buf *spans);

#endif
