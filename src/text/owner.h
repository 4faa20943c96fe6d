// Whose reading of a checkpoint's files counts where two versions of the library that wrote them
// read the same files differently, and what is to be said of this checkpoint's reading.
#ifndef ABL_TEXT_OWNER_H
#define ABL_TEXT_OWNER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum owner { OWNER_TRANSFORMERS_5, OWNER_TRANSFORMERS_4, N_OWNERS };

// "transformers-5", "transformers-4"; a name_list.
const char *owner_name(size_t owner);

// What becomes of a key of the owner's files.
enum key_use {
    KEY_READ,
    KEY_INERT,   // it changes no id and no logit
    KEY_REFUSED, // it would, in a way not built here, unless it has the harmless value
    KEY_FOREIGN, // of others: the owner does not read it here either; a note says so
    KEY_UNKNOWN, // the owner has no such key
};

// A growing list of lines about how files were read; zero-initialise to start. Readers add one
// wherever the owners disagree about this checkpoint, or where its files say what is most likely
// not meant.
struct owner_notes {
    const char **lines; // in the arena
    size_t n, cap;
    struct arena arena;
};

// Add a line; one that is there already is not added twice. False with err filled when memory is
// out.
bool owner_note(struct owner_notes *notes, struct abl_err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Where the owners disagree: "WHAT: MINE, as transformers-5 reads it (transformers-4: OTHER)", and
// which --like takes the other.
bool owner_note_differs(struct owner_notes *notes, enum owner like, const char *what,
                        const char *mine, const char *other, struct abl_err *err);
// The same as a text in an arena, NULL when memory is out.
const char *owner_difference(struct arena *a, enum owner like, const char *what, const char *mine,
                             const char *other);
void owner_notes_release(struct owner_notes *notes);

#endif
