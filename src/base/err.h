// The one error type: functions that can fail return bool and fill a struct abl_err.
#ifndef ABL_BASE_ERR_H
#define ABL_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

// The value is the process exit status it leads to.
enum abl_code {
    ABL_OK = 0,
    ABL_FAILED = 1,        // I/O, memory, device
    ABL_USAGE = 2,         // the command line asks for something that cannot be
    ABL_BAD_DATA = 3,      // dataset or prompt not fit to run
    ABL_BAD_MODEL = 4,     // model missing, damaged or unsupported
    ABL_SELF_CHECK = 5,    // engines disagree
    ABL_STOPPED = 75,      // stopped early, resumable
    ABL_INTERRUPTED = 130, // interrupted by the user; partial results were saved
};

struct abl_err {
    enum abl_code code;
    char text[1024]; // one line, base/printable.h, lower case start, no full stop
};

// Fill err and return false, so that a caller can write `return abl_fail(err, …)`. err may be NULL.
// The text is in the form of base/printable.h; one too long is cut with "...".
bool abl_fail(struct abl_err *err, enum abl_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Put "context: " before the text of an error that is passed on; returns false as abl_fail does.
bool abl_fail_in(struct abl_err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Shorthand for running out of memory.
bool abl_no_memory(struct abl_err *err);

#endif
