#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

void *library_open(const char *const *names)
{
    void *library = NULL;
    for (; *names && !library; names++)
        library = dlopen(*names, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    return library;
}

bool library_function(void *library, const char *name, void *function)
{
    // ISO C has no cast from an object pointer to a function pointer;
    // POSIX says that their bits agree.
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol;
}
