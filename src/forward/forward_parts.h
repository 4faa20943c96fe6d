// What forward.c opens and run_plan.c runs variants over; nobody else looks inside.
#ifndef ABL_FORWARD_FORWARD_PARTS_H
#define ABL_FORWARD_FORWARD_PARTS_H

#include "forward/forward.h"
#include "forward/prompt_block.h"
#include "forward/weights.h"

struct forward {
    struct forward_settings s;
    struct weights *weights;
    struct block *blocks; // shared rows
    size_t n_blocks;
    struct row_stats *intact; // (n_prompts) copy
    struct tensor z_mean;     // made for the first variant that needs it
};

#endif
