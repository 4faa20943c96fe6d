// What a tokenizer's file may have us do with one text. Steps that put more in a text's place
// double it step by step, and an expression may take as long as it likes: beyond this nobody means
// it.
#ifndef ABL_TEXT_EFFORT_H
#define ABL_TEXT_EFFORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum {
    EFFORT_STEPS = 256,       // of a normalizer, and of a pre-tokenizer
    EFFORT_PATTERN = 1 << 16, // bytes of an expression
    EFFORT_SECONDS = 10,      // of one thread's time
    EFFORT_SEARCHES = 64,     // between two looks at the clock
    EFFORT_LEAST = 1 << 14,   // bytes that any text may become
    EFFORT_FACTOR = 64,       // times its length that a longer one may
    EFFORT_BYTES = 64 << 20,  // in any case
    EFFORT_MARKS = 1 << 12,   // combining marks one behind the other: sorting them is quadratic
};

// Of one text, one thread's. Zero-initialise to start.
struct effort {
    uint64_t until; // nanoseconds of the thread; 0: the clock does not run yet
    unsigned searches;
};

// Bytes that the steps may make of a text of len.
static inline size_t effort_most(size_t len)
{
    size_t most = len < EFFORT_BYTES / EFFORT_FACTOR ? len * EFFORT_FACTOR : EFFORT_BYTES;
    return most < EFFORT_LEAST ? EFFORT_LEAST : most;
}

// Whether the text has had its time. Starts the clock at the first call.
static inline bool effort_is_spent(struct effort *e)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    uint64_t now = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
    if (!e->until)
        e->until = now + (uint64_t)EFFORT_SECONDS * 1000000000;
    return now > e->until;
}

#endif
