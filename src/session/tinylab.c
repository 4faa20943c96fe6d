#include "session/tinylab.h"

#include "text/padding.h"

static const struct conventions all[] = {
    [COMPAT_NONE] = { .name = NULL },
    [COMPAT_TINYLAB] = {
        .name = "tinylab",
        .banner = "COMPAT tinylab: prompts are padded to one length and read at the last column, "
                  "as tinyLab did; for comparison with its figures only",
        .positions = "all", // it patched every position, whatever it was told
        .from_start = true,
        .own_metrics = true,
        .sequences = true,
        .one_donor = true,
        .draws_splits = true,
        .clusters = CLUSTER_PROMPT,
        .keeps_equal_answers = true,
        .without_bos = "--compat tinylab puts BOS first as it did: leave --bos never out",
        .without_constants = "--compat tinylab keeps a head's constant part as it did: leave "
                             "--value-bias head out",
        .lay_out = prompts_pad,
    },
};

const struct conventions *conventions_of(enum compat c)
{
    return &all[c];
}

const char *compat_name(size_t c)
{
    return c < sizeof all / sizeof *all ? all[c].name : NULL;
}
