// Which of several ways to compute a product a device is fastest in: measured on the products of
// real runs, by the device's own clock, and kept in the cache folder. All ways give the same bits.
//
// Each way is tried twice for a shape, in turn; the faster one is taken from then on. The file is
// $XDG_CACHE_HOME/abltui/tune-UUID.txt, tune-UUID-coop.txt of cooperative matrices (~/.cache where
// that is not set); a file that cannot be read or written is as none, and so is one that is not the
// user's alone: own_folder.h.
#ifndef ABL_ENGINE_VULKAN_TUNE_H
#define ABL_ENGINE_VULKAN_TUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own_folder.h"
#include "engine/vulkan/context.h"
#include "engine/vulkan/pipeline.h"
#include "engine/vulkan/queue.h"

enum { TUNE_WAYS = 2, TUNE_PROBES = 32 };

// Products of about as many rows by the same matrix.
struct tune_shape {
    uint32_t log2_m, n, k;
    double best[TUNE_WAYS]; // multiply-adds a second; 0: not measured
    uint32_t tries[TUNE_WAYS];
};

// A measurement that is under way.
struct tune_probe {
    bool busy;
    size_t shape;
    uint32_t way;
    double work;
    uint64_t submission;
};

struct tuner {
    const struct vulkan_context *context;
    VkQueryPool clock; // none where the device has no timestamps: nothing is tuned
    struct tune_shape *shapes;
    size_t n, cap;
    struct tune_probe probes[TUNE_PROBES];
    struct own_folder folder; // where the file is kept; none: nothing is
    char file[64];            // its name
    bool learnt;              // something that the file does not say
    int forced;               // for tests: this way always; -1: none
};

// Read what is kept; info says from where, or why what is there is not used. False only where the
// device fails.
bool tuner_init(struct tuner *t, const struct vulkan_context *c, struct device_info *info,
                struct abl_err *err);
// Keep what was learnt. The device is idle.
void tuner_release(struct tuner *t, const struct queue *q);

// The way to take for m rows by a (k, n) matrix; `usual` where nothing is
// known or the product is too small to measure. *timing: what the dispatch,
// which has to be the next one recorded, is timed by.
uint32_t tuner_choose(struct tuner *t, const struct queue *q, uint32_t m, uint32_t n, uint32_t k,
                      uint32_t usual, struct timing *timing);

#endif
