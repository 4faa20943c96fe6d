// The program's standard output and error: whatever is printed on them goes through here, so that
// foreign text (names, notes, tokens, what libraries and the environment say) reaches no terminal
// raw. tools/check_printing.sh sees to it that there is no other way out.
//
// How to print: the format is a literal and ours, line ends and all; whatever comes from outside is
// an argument of %s:
//     say(SAY_ERR, "note: %s\n", note);
// Arguments show in the form of base/printable.h, a line end within one as "\n": nobody forges a
// line. Where the terminal is one without UTF-8, characters beyond ASCII are spelt out too.
#ifndef ABL_BASE_SAY_H
#define ABL_BASE_SAY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct buf;

enum say_to {
    SAY_OUT, // data: standard output
    SAY_ERR, // messages: standard error
};

// printf, but for arguments of %s and %c as above: %s pads to columns, and cuts to bytes of the
// argument and to columns. No %n, %ls or long double. Errors of standard output are kept for
// say_end.
void say(enum say_to to, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The same, appended to a text for say_lines.
void say_into(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

// A text of several lines: its line ends and tabs stay, all else is as in an argument. Foreign text
// comes into it by say_into.
void say_lines(enum say_to to, const char *text);

// JSON text[0..len) on standard output, with the same meaning to its readers: what a terminal may
// not have is escaped as JSON does it, bytes that are no UTF-8 become U+FFFD. False where standard
// output does not take it.
bool say_json(const char *text, size_t len, struct abl_err *err);

// From a signal handler, before the process ends: a line as it stands, on standard error. It was
// made by say_into.
void say_last(const char *line);

// Whether standard output took all that was said there.
bool say_end(struct abl_err *err);

#endif
