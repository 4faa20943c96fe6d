// The journals that lie in a folder: of what work, and how far it is.
#ifndef ABL_REPORT_RUN_JOURNALS_H
#define ABL_REPORT_RUN_JOURNALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/err.h"
#include "session/journal.h"

struct run_journal {
    struct journal_part part;
    cJSON *lines; // an array of the whole lines, numbers as they stand; the first says what it is
    const cJSON *head;          // the first; NULL: there is none yet
    struct journal_sizes sizes; // as the head says
    bool is_open;               // a process holds it
};

struct run_journals {
    struct run_journal *items; // by part
    size_t n;
};

// Those in an open folder; place names it. run_journals_release, also after a failure.
bool run_journals_read(int folder, const char *place, struct run_journals *out,
                       struct abl_err *err);
void run_journals_release(struct run_journals *j);

// That of a part; NULL where there is none.
const struct run_journal *run_journal_of(const struct run_journals *j, struct journal_part part);

// Cells that are there, of how many, over all that agree with the first.
struct run_progress {
    uint64_t done, all;
};
bool run_journals_count(int folder, const char *place, const struct run_journals *j,
                        struct run_progress *out, struct abl_err *err);

// A list of those who worked at it, as JSON text; malloc'd, NULL when memory is out.
char *run_journals_workers(const struct run_journals *j);

#endif
