// What stops a run from outside: signals, and the time that it was given.
#ifndef ABL_CLI_STOPPING_H
#define ABL_CLI_STOPPING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// From now on SIGINT, SIGTERM, SIGHUP and SIGUSR1 stop the run; a second SIGINT ends the program
// at once.
void stopping_begin(void);
// And so does the end of so many seconds from now; 0: none does.
void stopping_after(uint64_t seconds);

// Set when the run is to stop; what computes looks at it.
atomic_bool *stopping_flag(void);
// What did: "SIGTERM", "--stop-after"; NULL: nothing has.
const char *stopping_cause(void);
// The status that it ends with: ABL_INTERRUPTED of SIGINT, else ABL_STOPPED.
enum abl_code stopping_code(void);

// The first failure of some runs out of several becomes the command's; one that was stopped speaks
// for itself. Returns false.
bool stopping_failed(const struct abl_err *first, size_t n_failed, size_t n, const char *what,
                     struct abl_err *err);

// While results are saved no second SIGINT costs what is being saved.
void stopping_spare(bool saving);

// From here on the program ends two seconds after it was told to stop, whatever it is doing, as
// what is finished has been written to a journal: its descriptor is synced and the line printed.
// The line stays where it is until stopping_at_leisure. descriptor -1: there is no journal yet.
void stopping_in_time(int descriptor, const char *line);
void stopping_at_leisure(void);

#endif
