#include "text/owner.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

const char *owner_name(size_t owner)
{
    static const char *const names[]
        = { [OWNER_TRANSFORMERS_5] = "transformers-5", [OWNER_TRANSFORMERS_4] = "transformers-4" };
    return owner < N_OWNERS ? names[owner] : NULL;
}

static bool has_line(const struct owner_notes *notes, const char *line)
{
    for (size_t i = 0; i < notes->n; i++)
        if (strcmp(notes->lines[i], line) == 0)
            return true;
    return false;
}

bool owner_note(struct owner_notes *notes, struct abl_err *err, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (has_line(notes, line))
        return true;
    const char **lines = array_room(notes->lines, notes->n, &notes->cap, sizeof *lines);
    if (!lines)
        return abl_no_memory(err);
    notes->lines = lines;
    const char *kept = arena_strdup(&notes->arena, line);
    if (!kept)
        return abl_no_memory(err);
    lines[notes->n++] = kept;
    return true;
}

const char *owner_difference(struct arena *a, enum owner like, const char *what, const char *mine,
                             const char *other)
{
    enum owner not_me = like == OWNER_TRANSFORMERS_5 ? OWNER_TRANSFORMERS_4 : OWNER_TRANSFORMERS_5;
    return arena_printf(a, "%s: %s, as %s reads it (%s: %s; --like %s takes that)", what, mine,
                        owner_name(like), owner_name(not_me), other, owner_name(not_me));
}

bool owner_note_differs(struct owner_notes *notes, enum owner like, const char *what,
                        const char *mine, const char *other, struct abl_err *err)
{
    const char *line = owner_difference(&notes->arena, like, what, mine, other);
    return line ? owner_note(notes, err, "%s", line) : abl_no_memory(err);
}

void owner_notes_release(struct owner_notes *notes)
{
    free(notes->lines);
    arena_release(&notes->arena);
    *notes = (struct owner_notes){ 0 };
}
