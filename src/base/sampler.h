// Memory and processor time of this process while something else runs:
// a thread that looks every so often.
#ifndef ABL_BASE_SAMPLER_H
#define ABL_BASE_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sample {
    double t;           // seconds since the start
    uint64_t rss_bytes; // resident memory, 0 where the system does not say
    double cpu_pct;     // since the sample before: 100 is one core; NaN in the first
};

struct samples {
    struct sample *items;
    size_t n;
    // seconds between them: twice what was asked for, and so on, where a long run has too many
    double interval;
};

struct sampler;

// Begin, with a first sample. Owned by the caller: sampler_stop ends it.
bool sampler_start(double interval, struct sampler **out, struct abl_err *err);

// Take a last sample. The result may be looked at until sampler_free; stopping twice does nothing.
const struct samples *sampler_stop(struct sampler *s);
void sampler_free(struct sampler *s); // NULL does nothing

#endif
