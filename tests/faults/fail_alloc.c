// An allocation that fails, preloaded: the FAIL_ALLOC'th that the program asks for, or cJSON in its
// place, finds no memory. Other libraries' pass: what those do without memory is theirs.
// FAIL_ALLOC=0 fails none. FAIL_ALLOC_COUNT names a file that takes how many there were.
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Code whose allocations count.
struct range {
    uintptr_t first, last;
};

static struct range ranges[2];
static size_t n_ranges;
static long fails_at = -1;
static atomic_long n_calls;

// The program comes first.
static int find_code(struct dl_phdr_info *info, size_t size, void *n_objects)
{
    (void)size;
    bool counts = (*(size_t *)n_objects)++ == 0 || strstr(info->dlpi_name, "libcjson");
    for (size_t i = 0; counts && i < info->dlpi_phnum && n_ranges < 2; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t first = info->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_LOAD && p->p_flags & PF_X)
            ranges[n_ranges++] = (struct range){ first, first + p->p_memsz };
    }
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("FAIL_ALLOC");
    size_t n_objects = 0;
    dl_iterate_phdr(find_code, &n_objects);
    if (at)
        fails_at = strtol(at, NULL, 10);
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("FAIL_ALLOC_COUNT");
    FILE *f = path ? fopen(path, "w") : NULL;
    if (!f)
        return;
    fprintf(f, "%ld\n", atomic_load(&n_calls));
    fclose(f);
}

static bool fails(const void *caller)
{
    bool counts = false;
    for (size_t i = 0; fails_at >= 0 && i < n_ranges; i++)
        counts |= (uintptr_t)caller >= ranges[i].first && (uintptr_t)caller < ranges[i].last;
    if (!counts || atomic_fetch_add(&n_calls, 1) + 1 != fails_at)
        return false;
    errno = ENOMEM;
    return true;
}

// glibc's own: they need no look-up, which would allocate itself.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);

void *malloc(size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(p, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_memalign(align, size);
}
