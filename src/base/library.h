// Shared libraries that only some runs need, opened by those that do: the others start without
// loading them, and where they are missing only what needs them is.
#ifndef ABL_BASE_LIBRARY_H
#define ABL_BASE_LIBRARY_H

#include <stdbool.h>

// The first of these names that the system finds, a list that NULL ends. It stays until the process
// ends. NULL: none.
void *library_open(const char *const *names);

// Put a function of the library into the function pointer that `function` points to. False where it
// has none of that name.
bool library_function(void *library, const char *name, void *function);

#endif
