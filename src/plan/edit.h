// One change to one activation of a pass.
#ifndef ABL_PLAN_EDIT_H
#define ABL_PLAN_EDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/place.h"
#include "plan/site.h"

// new = op(old, source):  scale: factor·(old − c) + c    set: source    add: old + factor·source
enum edit_op { EDIT_SCALE, EDIT_SET, EDIT_ADD };

// What the source is. c above is the constant when source is SOURCE_CONSTANT, else 0.
enum edit_source {
    SOURCE_NONE,
    SOURCE_CONSTANT, // the head's c_h = b_V + ln1 bias·W_V (site z only)
    // the head's mean of z over all tokens of all prompts but BOS,
    // which keeps its value (site z only)
    SOURCE_MEAN,
    // the intact activation of a donor prompt, at the same position of it, or as from_start says;
    // of edges both ends are aligned from the query. BOS meets BOS alone: a token without a partner
    // of its class keeps its value
    SOURCE_ROW,
};

struct edit {
    enum site site;
    uint32_t layer;
    uint32_t head;    // of sites that have heads; ALL_HEADS there or elsewhere: the whole width
    int32_t position; // as in position.h: -1 is the last token. Of edges the query's
    // how many tokens at the prompts' ends it can touch where the position is no number from the
    // end (position_reach); 0: any
    uint32_t reach;
    enum edit_op op;
    float factor;
    enum edit_source source;
    uint32_t donor;  // SOURCE_ROW: number of the map that says for each prompt whom it takes from
    bool from_start; // SOURCE_ROW at ALL_POSITIONS: positions are aligned from the prompts' start
};

// True if the edit leaves every activation as it is (scale 1, adding nothing): such an edit is
// never run.
bool edit_is_identity(const struct edit *e);

#endif
