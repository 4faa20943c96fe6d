// What the files of the sweep share: sweep.c runs it, sweep_snapshot.c takes pictures of it.
#ifndef ABL_UI_SWEEP_PARTS_H
#define ABL_UI_SWEEP_PARTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/traced.h"
#include "session/estimates.h"
#include "session/readings.h"
#include "session/session.h"
#include "ui/snapshot.h"
#include "ui/sweep.h"

// A variant list with its results.
struct measured {
    struct variants variants;
    struct results table;
    bool ready;
};

// On failure the variants are released too.
bool measured_init(struct measured *m, size_t n_prompts, struct abl_err *err);
void measured_release(struct measured *m);

// What a list's finished variants say, by variant.
struct estimates {
    struct estimate *deltas;
    struct recovery *recoveries;
    double *values; // means of the metric itself
    bool *made;
    size_t n;
};

bool estimates_init(struct estimates *e, size_t n, struct abl_err *err);
void estimates_release(struct estimates *e);

// The same variants over a few of the rows, where that is worth it.
struct coarse {
    bool tried;              // prepared, if it pays
    struct session *session; // NULL where it does not
    struct measured run;
    struct estimates estimates;
    double seconds; // spent here
};

struct sweep {
    struct settings settings;
    struct choice choice;    // as loaded and run
    struct session *session; // NULL while nothing is loaded
    struct facts facts;
    struct measured run, set;
    struct readings readings; // of the run, once its variants are done
    bool has_readings;
    unsigned number;            // of runs so far
    struct marks marks;         // of set
    struct estimates estimates; // of the run
    struct coarse coarse;       // of the run
    double seconds;
    double spent[N_TIME_CLASSES]; // of seconds, on what; 0 where the engine does not tell
    size_t exported;              // variants that were finished at the last export
};

// Run what is left of the coarse pass, after having prepared it. Options as of sweep_run.
bool coarse_run(struct sweep *s, atomic_bool *cancel, const atomic_uint *wanted,
                session_progress *progress, void *context, struct abl_err *err);
bool coarse_is_complete(const struct sweep *s);
void coarse_forget(struct coarse *c);

#endif
