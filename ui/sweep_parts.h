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
#include "ui/opened_run.h"

struct jobs;

struct sweep {
    struct settings settings;
    struct jobs *jobs;
    struct settings base;      // as the command line has them
    struct opened_run *opened; // read from its folder last; NULL: none was
    bool shows_opened;         // it is what pictures are of
    struct choice choice;      // as loaded and run
    struct session *session;   // NULL while nothing is loaded
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

// Load the model and rows of a choice in place of what is loaded, and list its variants.
bool sweep_load(struct sweep *s, const struct choice *c, struct abl_err *err);
void sweep_unload(struct sweep *s);

// Of the run that is open: a picture, more about a head, and its model, where it is not loaded yet.
bool sweep_opened_snapshot(struct sweep *s, enum run_phase phase, struct snapshot **out,
                           struct abl_err *err);
bool sweep_opened_detail(struct sweep *s, const struct detail_ask *ask, atomic_bool *cancel,
                         struct detail **out, struct abl_err *err);
bool sweep_opened_load(struct sweep *s, struct abl_err *err);

// The marked set, where it is measured.
bool sweep_put_joint(struct sweep *s, struct snapshot *p, struct abl_err *err);

#endif
