// What a sweep is: for sweep.c, which runs it, sweep_snapshot.c, which takes pictures of it,
// and sweep_export.c. Nobody else looks inside.
#ifndef ABL_UI_SWEEP_PARTS_H
#define ABL_UI_SWEEP_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/lens_estimates.h"
#include "engine/traced.h"
#include "session/readings.h"
#include "session/session.h"
#include "ui/choice.h"
#include "ui/coarse.h"
#include "ui/facts.h"
#include "ui/marks.h"
#include "ui/measured.h"

struct jobs;

struct sweep {
    struct settings settings;
    struct jobs *jobs;
    struct choice choice;    // as loaded and run
    struct session *session; // NULL while nothing is loaded
    struct facts facts;
    struct measured run, set;
    struct readings readings;   // of the run, once its variants are done
    struct lens_estimates lens; // of its lens, if it has one
    bool has_readings;
    unsigned number;      // of runs so far
    struct marks marks;   // of set
    struct coarse coarse; // of the run
    double seconds;
    double spent[N_TIME_CLASSES]; // of seconds, on what; 0 where the engine does not tell
    size_t exported;              // variants that were finished at the last export
};

#endif
