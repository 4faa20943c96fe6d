// Asks a terminal about itself before it is taken over.
#ifndef ABL_UI_PROBE_H
#define ABL_UI_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/answers.h"

enum { MAX_TYPED_AHEAD = 64 };

struct probe {
    struct term_answers answers;
    struct answer_reader reader; // of what comes later
    bool asked;
    double asked_at;
    char typed[MAX_TYPED_AHEAD]; // keys that came meanwhile
    size_t n_typed;
};

// Ask on `out` and wait a quarter of a second at most for answers on `in`. The screen and the
// terminal's settings are as before afterwards.
void probe_terminal(struct probe *p, int in, int out, const char *term, bool inside);

// Whether answers may still come: until the last is here, and for some seconds.
bool probe_is_outstanding(const struct probe *p);

// Before the terminal is given back: what still comes must not be typed into a shell.
void probe_end(struct probe *p, int in);

#endif
