#include "ui/pane_name.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *about;
} panes[N_PANES] = {
    [PANE_IMPACT] = { "impact", "heatmap" },
    [PANE_HEAD] = { "head", "selected head and marked set" },
    [PANE_RANK] = { "rank", "ranked heads" },
    [PANE_LOG] = { "log", "log" },
    [PANE_LIST] = { "recover", "sets, recovery, patched places, direct effects" },
    [PANE_OV] = { "ov", "what the selected head writes" },
    [PANE_ATTN] = { "attn", "where the selected head looks in the selected row" },
    [PANE_ROWS] = { "rows", "rows, and the selected head's effect in each" },
    [PANE_COMPARE] = { "compare", "this run beside a kept one" },
    [PANE_SAY] = { "say", "what the model says behind the selected row, intact and ablated" },
};

const char *pane_name(enum pane pane)
{
    return panes[pane].name;
}

const char *pane_about(enum pane pane)
{
    return panes[pane].about;
}

bool pane_find(const char *name, enum pane *out)
{
    for (int i = 0; i < N_PANES; i++)
        if (!strcmp(panes[i].name, name)) {
            *out = (enum pane)i;
            return true;
        }
    return false;
}

bool pane_is_numbered(enum pane pane)
{
    return (int)pane < 9;
}

void pane_label(enum pane pane, char *out, size_t size)
{
    const char *name = pane_name(pane);
    if (pane_is_numbered(pane))
        snprintf(out, size, "%d %s", (int)pane + 1, name);
    else
        snprintf(out, size, "%s", name);
}
