#include "ui/heat_form.h"

#include <stddef.h>

enum {
    NUMBER_W = 5,    // narrowest cell with a number: mark and four characters
    INTERVAL_W = 13, // narrowest one with an interval: frame, two numbers of five and a sign
    BARS = 12,
};

// The richest first.
static const struct heat_form forms[] = {
    { HEAT_NUMBERS, INTERVAL_W, HEAT_INTERVAL_H, BARS },
    { HEAT_NUMBERS, HEAT_FRAMED, 3, BARS },
    { HEAT_NUMBERS, HEAT_FRAMED, 1, BARS },
    { HEAT_NUMBERS, NUMBER_W, 1, BARS },
    { HEAT_NUMBERS, NUMBER_W, 1, 0 },
    { HEAT_DIGITS, 3, 1, 0 },
    { HEAT_DIGITS, 2, 1, 0 },
    { HEAT_PACKED, 2, 1, 0 },
    { HEAT_PACKED, 1, 1, 0 },
};

uint32_t heat_digits(uint32_t n)
{
    return n < 10 ? 1 : n < 100 ? 2 : n < 1000 ? 3 : 4;
}

uint32_t heat_label_w(uint32_t n_layers)
{
    return heat_digits(n_layers ? n_layers - 1 : 0) + 3;
}

// Of the heads alone, and the lines above and below.
static struct heat_size least_size(const struct heat_form *f, struct heat_shape s)
{
    uint32_t per_line = f->mode == HEAT_PACKED ? 2 : 1;
    uint32_t lines = (s.n_layers + per_line - 1) / per_line * f->cell_h;
    return (struct heat_size){ heat_label_w(s.n_layers) + s.n_heads * f->cell_w + f->bars_w,
                               1 + lines + (f->bars_w ? 1 : 0) + 1 };
}

bool heat_form_choose(struct heat_shape s, struct heat_size room, bool plain, struct heat_form *out)
{
    static const struct heat_form digits = { HEAT_DIGITS, 2, 1, 0 };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct heat_size size = least_size(&forms[i], s);
        *out = forms[i];
        if (plain && out->mode == HEAT_PACKED)
            break;
        if (size.w <= room.w && size.h <= room.h)
            return true;
    }
    if (plain)
        *out = digits;
    else if (s.n_heads && room.w / s.n_heads >= 2)
        out->cell_w = 2;
    return false;
}

struct heat_size heat_form_size(const struct heat_form *f, struct heat_shape s)
{
    struct heat_size size = least_size(f, s);
    if (f->mode != HEAT_NUMBERS)
        size.w += HEAT_TOP_W;
    else if (!f->bars_w)
        size.w++; // the last head's right bracket
    return size;
}
