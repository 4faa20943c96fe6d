// What forward.c opens, and the files of src/forward that run something over it look into.
#ifndef ABL_FORWARD_FORWARD_PARTS_H
#define ABL_FORWARD_FORWARD_PARTS_H

#include "forward/forward.h"
#include "forward/prompt_block.h"
#include "forward/weights.h"

struct forward {
    struct forward_settings s;
    struct weights *weights;
    struct block *blocks; // the run's prompts
    size_t n_blocks;
    struct row_stats *intact; // (n_prompts) copy
    struct tensor z_mean;     // made for the first variant that needs it
    struct forward_spent spent;
};

// Make z_mean, unless it is there.
bool forward_means(struct forward *f, struct abl_err *err);

// A batch of so many token rows is done.
void forward_spend(struct forward *f, uint64_t token_rows);

#endif
