// What is where a run directory goes: nothing, an earlier run, what others put there; and beside
// it, what processes of ours left that ended before they were done.
#ifndef ABL_REPORT_RUNDIR_PLACE_H
#define ABL_REPORT_RUNDIR_PLACE_H

#include <stdbool.h>

#include "base/err.h"

// The list of a run directory's files.
extern const char manifest_name[]; // "manifest.json"
// In a folder while its run is written, locked by the process that writes it.
extern const char writing_name[]; // ".abltui-writing"

// Refuse, with ABL_USAGE, a name that cannot be meant: blank, or with a dash in front.
bool rundir_check_name(const char *path, struct abl_err *err);

// The absolute place that path means, symbolic links followed; malloc'd. ABL_USAGE for a name that
// cannot be meant, ABL_FAILED where nothing can be written; NULL
// then.
char *rundir_resolve(const char *path, struct abl_err *err);

// ABL_USAGE where something is at `place` that is not ours to replace; path names it for the user.
bool rundir_check_place(const char *path, const char *place, struct abl_err *err);

// What of ours lies in a folder: a whole run, or one that is under way or was ended on its way.
enum rundir_held { HELD_NOTHING, HELD_RUN, HELD_UNDER_WAY };
// ABL_USAGE where the folder, which is open, also holds what is not ours.
bool rundir_look(const char *path, int folder, enum rundir_held *out, struct abl_err *err);

// ABL_USAGE, too, where a run is under way in it.
bool rundir_check_opened(const char *path, int folder, struct abl_err *err);

// Whether a name in the folder of a run is a run that is whole, and nothing else.
bool rundir_is_whole(int parent, const char *name);

enum hidden_kind { HIDDEN_WRITTEN, HIDDEN_OLD };

// malloc'd ".BASE.tmp-PID-RANDOM" or ".old-PID-RANDOM", to lie beside BASE and so on the same file
// system; nobody can know it beforehand. NULL when memory is out.
char *rundir_hidden(const char *base, enum hidden_kind kind);

// Put right what processes that have ended left in the folder of `place`: an unfinished run
// goes; a finished one that was not in its place yet gets a name of its own, which is returned
// (malloc'd; NULL: there was none); an earlier run that had been moved away comes back. What
// others made stays, and so does what cannot be changed.
char *rundir_sweep(const char *place);

// Remove a folder that is written no more, `name` in `parent`, both open; its sign goes last, so
// that what cannot be removed now is known for ours later.
void rundir_discard(int parent, const char *name, int folder);

// Whether that name is still that of the folder that is open.
bool rundir_is(int parent, const char *name, int folder);

// malloc'd path beside `place` where nothing is: "place-1" and so on; NULL where there is none.
char *rundir_free_name(const char *place);

#endif
