// Names of files as text. The system's are bytes; JSON and tables take UTF-8 alone, and nothing of
// a name may be lost.
#ifndef ABL_BASE_NAME_TEXT_H
#define ABL_BASE_NAME_TEXT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"

// Append a path or an argument. One that is UTF-8 stands as it is. One that is not, or that begins
// with "$'", stands as bash reads and writes it: $'caf\xe9', where \xNN is a byte, and \\ and \'
// are a backslash and a quote. So each name is another text, and each text one name.
void name_text(const char *name, struct buf *out);

// What something is called by a name of files, such as a condition by its corpus: each byte that is
// no UTF-8 becomes %NN. It may become a name of files again. NULL when memory is out.
const char *name_label(const char *name, struct arena *a);

bool name_is_utf8(const char *name);

#endif
