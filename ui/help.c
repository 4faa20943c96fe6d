#include "ui/help.h"

#include <stdio.h>
#include <string.h>

#include "ui/command.h"
#include "ui/keys.h"

// Help is about the panes: what would work if it were closed.
static bool works_in_pane(const struct binding *b, const struct state *s)
{
    return b->where & (1u << s->focus) && (!b->when || b->when(s));
}

// All keys of a binding's action: "↑ k".
static void all_keys(const struct binding *of, const struct state *s, char *out, size_t size)
{
    size_t n;
    const struct binding *all = key_bindings(&n);
    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        char name[16];
        size_t len = strlen(out);
        if (all[i].action != of->action || all[i].arg != of->arg || !works_in_pane(&all[i], s))
            continue;
        key_label(all[i].key, s->look, name, sizeof name);
        snprintf(out + len, size - len, "%s%s", len ? " " : "", name);
    }
}

bool help_line_at(const struct state *s, size_t i, struct help_line *out)
{
    size_t n_keys, n_commands;
    const struct binding *keys = key_bindings(&n_keys);
    const struct ui_command *commands = command_table(&n_commands);
    for (size_t k = 0; k < n_keys; k++) {
        if (!keys[k].help || !works_in_pane(&keys[k], s) || i-- > 0)
            continue;
        all_keys(&keys[k], s, out->keys, sizeof out->keys);
        out->text = keys[k].help;
        return true;
    }
    if (i >= n_commands)
        return false;
    const struct ui_command *c = &commands[i];
    snprintf(out->keys, sizeof out->keys, ":%s %s", c->name, c->argument ? c->argument : "");
    out->text = c->help;
    return true;
}

size_t help_shown(const struct state *s, uint32_t *columns)
{
    enum { AROUND = 6, WIDE = 140 }; // lines of footer, progress, frame and margin
    *columns = s->width >= WIDE ? 2 : 1;
    return s->height > AROUND ? (size_t)(s->height - AROUND) * *columns : 0;
}

size_t help_scroll_limit(const struct state *s)
{
    struct help_line ignored;
    uint32_t columns;
    size_t n = 0, shown = help_shown(s, &columns);
    while (help_line_at(s, n, &ignored))
        n++;
    return n > shown ? n - shown : 0;
}
