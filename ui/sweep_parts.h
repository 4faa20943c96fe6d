// What the files of the sweep share: sweep.c runs it, sweep_snapshot.c takes pictures of it.
#ifndef ABL_UI_SWEEP_PARTS_H
#define ABL_UI_SWEEP_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/traced.h"
#include "lab/readings.h"
#include "lab/run.h"
#include "ui/snapshot.h"
#include "ui/sweep.h"

// A variant list with its results.
struct measured {
    struct variants variants;
    struct table table;
    bool ready;
};

struct sweep {
    struct run_settings settings;
    struct choice choice; // as loaded and run
    struct lab *lab;      // NULL while nothing is loaded
    struct facts facts;
    struct measured run, set;
    struct readings readings; // of the run, once its variants are done
    bool has_readings;
    unsigned number;        // of runs so far
    struct marks marks;     // of set
    struct estimate *cells; // per variant of the run, where estimated
    struct recovery *recoveries;
    double *values;
    bool *estimated;
    double seconds;
    double spent[N_TIME_CLASSES]; // of seconds, on what; 0 where the engine does not tell
    size_t exported;              // variants that were finished at the last export
};

#endif
