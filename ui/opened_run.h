// A run that was read from its folder, without its model: what the views draw of a run that is
// computed, they draw of this one. Used by one thread at a time.
#ifndef ABL_UI_OPENED_RUN_H
#define ABL_UI_OPENED_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "session/settings.h"
#include "ui/choice.h"
#include "ui/detail.h"
#include "ui/run_reader.h"
#include "ui/snapshot.h"

struct opened_run;

// The run in a folder, whole or written in part; base: where models and data are looked for. Tables
// are read when they are needed. ABL_BAD_DATA says in a line which file is damaged, or how far a
// run is that has no manifest. Owned: opened_run_free.
bool opened_run_read(const char *place, const struct run_reader *reader,
                     const struct settings *base, struct opened_run **out, struct abl_err *err);
void opened_run_free(struct opened_run *r);

// As the run was asked for; borrowed.
const struct settings *opened_run_settings(const struct opened_run *r);
const char *opened_run_place(const struct opened_run *r);
const struct choice *opened_run_choice(const struct opened_run *r);

// Whether its tables have what a choice asks for: another metric, one of its kinds of ablation.
bool opened_run_has(const struct opened_run *r, const struct choice *c);

// A picture of it; number: of the run. The caller owns *out.
bool opened_run_snapshot(struct opened_run *r, const struct choice *c, unsigned number,
                         struct snapshot **out, struct abl_err *err);

// What its files have about a head, and rows; *lacks: the parts of what is asked for that only the
// model knows. The caller owns *out.
bool opened_run_detail(struct opened_run *r, const struct detail_ask *ask, enum metric metric,
                       struct detail **out, unsigned *lacks, struct abl_err *err);

#endif
