#include "ui/presentation.h"

static const char nothing_yet[] = "nothing here yet";

static const struct presentation presentations[N_EXPERIMENTS] = {
    [EXPERIMENT_HEADS] = { PANE_HEAD, "heads", "single heads: E chooses sets, patch, partial, lens",
                           .set_beside = true },
    [EXPERIMENT_SETS] = { PANE_LIST, "variants", nothing_yet, .named = true, .needs_set = true },
    [EXPERIMENT_PATCH] = { PANE_LIST, "variants", nothing_yet, .named = true },
    [EXPERIMENT_PARTIAL] = { PANE_LIST, "variants", nothing_yet, .named = true, .needs_set = true },
    [EXPERIMENT_LENS]
    = { PANE_LIST, "heads", "parts follow when the heads are done", "direct ld", .named = true },
    [EXPERIMENT_ATTN] = { PANE_ATTN, "variants", nothing_yet, .named = true },
    [EXPERIMENT_OV] = { PANE_OV, "variants", nothing_yet, .named = true },
};

const struct presentation *presentation_of(enum experiment e)
{
    return &presentations[e];
}
