// The only place that knows a key: input, footer and help all walk this table.
#ifndef ABL_UI_KEYS_H
#define ABL_UI_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/action.h"
#include "ui/state.h"

// Keys without a character; others are their code point.
enum {
    KEYCODE_UP = 0x110000,
    KEYCODE_DOWN,
    KEYCODE_LEFT,
    KEYCODE_RIGHT,
    KEYCODE_PAGE_UP,
    KEYCODE_PAGE_DOWN,
    KEYCODE_HOME,
    KEYCODE_END,
    KEYCODE_BACK_TAB,
    KEYCODE_BACKSPACE,
    KEYCODE_F1,
    KEYCODE_F5,
    KEYCODE_F10,
    KEYCODE_ESCAPE = 27,
};

// Where a key works: a bit per pane, then what covers the panes.
enum where {
    WHERE_IMPACT = 1 << PANE_IMPACT,
    WHERE_HEAD = 1 << PANE_HEAD,
    WHERE_RANK = 1 << PANE_RANK,
    WHERE_LOG = 1 << PANE_LOG,
    WHERE_LIST = 1 << PANE_LIST,
    WHERE_OV = 1 << PANE_OV,
    WHERE_ATTN = 1 << PANE_ATTN,
    WHERE_ROWS = 1 << PANE_ROWS,
    WHERE_COMPARE = 1 << PANE_COMPARE,
    WHERE_SAY = 1 << PANE_SAY,
    WHERE_PANES = (1 << N_PANES) - 1,
    WHERE_HELP = 1 << N_PANES,
    WHERE_PICKER = 1 << (N_PANES + 1),
    WHERE_PROMPT = 1 << (N_PANES + 2),
    WHERE_SMALL = 1 << (N_PANES + 3), // the terminal is too small for anything else
};

struct binding {
    uint32_t key;
    unsigned where; // enum where
    enum action action;
    uint32_t arg;
    bool (*when)(const struct state *s); // NULL = always
    const char *footer;                  // one word; NULL = not in the footer
    const char *help;                    // NULL: another key of the same action has it
};

// The table; the footer takes its entries in this order while they fit.
const struct binding *key_bindings(size_t *n);

// True if the binding does something now.
bool key_is_valid(const struct binding *b, const struct state *s);

// What a key does now; NULL = nothing. Characters typed into a prompt are DO_TYPE.
const struct binding *key_find(const struct state *s, uint32_t key);

// "space", "Tab", "a"
void key_label(uint32_t key, unsigned look, char *out, size_t size);

#endif
