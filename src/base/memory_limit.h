// How much memory a process may take: the machine's, or what its control groups leave it.
#ifndef ABL_BASE_MEMORY_LIMIT_H
#define ABL_BASE_MEMORY_LIMIT_H

#include <stdint.h>

// Bytes: the least of the machine's memory and the limits of this process' control group and those
// above it (Linux, versions 1 and 2). 0: not known.
uint64_t memory_limit(void);

// The least limit of control groups alone, UINT64_MAX without one. groups: a file as
// /proc/self/cgroup; mounts: where version 2 is mounted, and version 1 in its folder "memory", as
// /sys/fs/cgroup.
uint64_t memory_limit_of_groups(const char *groups, const char *mounts);

#endif
