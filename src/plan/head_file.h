// Heads and sets out of a file: --sets @FILE and its like.
#ifndef ABL_PLAN_HEAD_FILE_H
#define ABL_PLAN_HEAD_FILE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

// "@FILE": its name, then its lines, without comments ('#' to the end of a line) but each in its
// place, as head_syntax.h reads them; in the arena. Any other text comes back as it is.
bool head_file_text(const char *text, struct arena *a, const char **out, struct abl_err *err);

// What a list out of a file says, on one line: what an option would have said, `separator` between
// lines. Other text comes back as it is, and so does NULL; NULL too when memory is out.
const char *head_file_plain(const char *text, char separator, struct arena *a);

#endif
