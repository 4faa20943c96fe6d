#include "ui/presentation.h"

#include <stddef.h>

#include "experiments/experiments.h"

static const char nothing_yet[] = "nothing here yet";

static const struct presentation presentations[] = {
    { &experiment_heads, PANE_HEAD, "heads", "single heads: E chooses sets, patch, partial, lens",
      .set_beside = true },
    { &experiment_lens, PANE_LIST, "heads", "parts follow when the heads are done", "direct ld",
      .named = true },
    { &experiment_attn, PANE_ATTN, "variants", nothing_yet, .named = true },
    { &experiment_ov, PANE_OV, "variants", nothing_yet, .named = true },
};

static const struct presentation listed
    = { NULL, PANE_LIST, "variants", nothing_yet, .named = true };

const struct presentation *presentation_of(const struct experiment *e)
{
    for (size_t i = 0; i < sizeof presentations / sizeof *presentations; i++)
        if (presentations[i].of == e)
            return &presentations[i];
    return &listed;
}
