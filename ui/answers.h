// What a terminal answers to questions about itself, read byte by byte out of what is typed.
#ifndef ABL_UI_ANSWERS_H
#define ABL_UI_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/palette.h"

// Said so far.
struct term_answers {
    bool has_background;
    struct rgb background;
    bool direct;       // it shows any colour
    bool synchronised; // it draws a frame at once (mode 2026)
    bool ended;        // the last question's answer is here: none is outstanding
};

enum { ANSWER_BYTES = 128 };

struct answer_reader {
    enum { BETWEEN_ANSWERS, AFTER_ESCAPE, IN_CSI, IN_STRING, IN_STRING_ESCAPE } state;
    char text[ANSWER_BYTES]; // from behind the escape on; what does not fit is dropped
    size_t len;
};

enum answer_step {
    ANSWER_NONE,    // the character is a key
    ANSWER_PART,    // it may belong to an answer, or does
    ANSWER_NO_PART, // the escape before was a key, and so is this
};

// Take a character; a whole answer goes into *out. Zeroed is a fresh reader.
enum answer_step answers_take(struct answer_reader *r, uint32_t c, struct term_answers *out);

// The questions in one text, for a terminal of that name; empty for one that might print them.
// inside: it is shown by another (tmux, screen), which answers for it.
const char *answers_questions(const char *term, bool inside);

#endif
