// What forward.c opens and carry.c runs variants over; nobody else looks inside.
#ifndef ABL_LAB_FORWARD_STATE_H
#define ABL_LAB_FORWARD_STATE_H

#include "lab/block.h"
#include "lab/forward.h"
#include "lab/weights.h"

struct forward {
    struct forward_settings s;
    struct weights *weights;
    struct block *blocks; // shared rows
    size_t n_blocks;
    struct row_stats *intact; // (n_prompts) copy
    struct tensor z_mean;     // made for the first variant that needs it
};

#endif
