// The clock that durations are measured with.
#ifndef ABL_BASE_CLOCK_H
#define ABL_BASE_CLOCK_H

#include <time.h>

// Seconds since some moment in the past; setting the time of day does not touch it.
static inline double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
