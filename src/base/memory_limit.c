#include "base/memory_limit.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The number that a file begins with; UINT64_MAX for "max", and where there is none.
static uint64_t limit_in(const char *path)
{
    char text[32] = "", *end;
    FILE *f = fopen(path, "re");
    if (!f)
        return UINT64_MAX;
    bool read = fgets(text, sizeof text, f) != NULL;
    fclose(f);
    unsigned long long n = read ? strtoull(text, &end, 10) : 0;
    return read && end != text ? n : UINT64_MAX;
}

// The least limit of a group and those above it. In a container the path may be one that is seen
// from outside alone: its own group is then where the mount begins.
static uint64_t least_of(const char *mount, char *group, const char *file)
{
    uint64_t least = UINT64_MAX;
    char path[PATH_MAX];
    for (;;) {
        int n = snprintf(path, sizeof path, "%s%s/%s", mount, group, file);
        uint64_t limit = n > 0 && n < PATH_MAX ? limit_in(path) : UINT64_MAX;
        least = limit < least ? limit : least;
        char *slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

// Whether "memory" is in a list with commas.
static bool has_memory(const char *list, size_t len)
{
    static const char name[] = "memory";
    for (const char *at = list, *end = list + len; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at)), *stop = comma ? comma : end;
        if ((size_t)(stop - at) == sizeof name - 1 && memcmp(at, name, sizeof name - 1) == 0)
            return true;
        at = stop + 1;
    }
    return false;
}

// A line "NUMBER:CONTROLLERS:GROUP"; version 2 has no controllers.
static uint64_t limit_of_line(char *line, const char *mounts)
{
    char v1[PATH_MAX], *first = strchr(line, ':'), *second = first ? strchr(first + 1, ':') : NULL;
    if (!second)
        return UINT64_MAX;
    line[strcspn(line, "\n")] = '\0';
    if (second == first + 1)
        return least_of(mounts, second + 1, "memory.max");
    int n = snprintf(v1, sizeof v1, "%s/memory", mounts);
    if (!has_memory(first + 1, (size_t)(second - first - 1)) || n < 0 || n >= PATH_MAX)
        return UINT64_MAX;
    return least_of(v1, second + 1, "memory.limit_in_bytes");
}

uint64_t memory_limit_of_groups(const char *groups, const char *mounts)
{
    uint64_t least = UINT64_MAX;
    char line[PATH_MAX];
    FILE *f = fopen(groups, "re");
    while (f && fgets(line, sizeof line, f)) {
        uint64_t limit = limit_of_line(line, mounts);
        least = limit < least ? limit : least;
    }
    if (f)
        fclose(f);
    return least;
}

uint64_t memory_limit(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t whole = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    uint64_t groups = memory_limit_of_groups("/proc/self/cgroup", "/sys/fs/cgroup");
    return whole && groups < whole ? groups : whole;
}
