// Limits of control groups, in folders that look like theirs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory_limit.h"

static char root[] = "/tmp/abltui-limit-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[512];
    struct abl_err err;
    snprintf(path, sizeof path, "%s/%s", root, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_true(file_make_dirs(path, &err));
    *slash = '/';
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

static uint64_t limit_of(const char *groups)
{
    char path[512];
    put("groups", groups);
    snprintf(path, sizeof path, "%s/groups", root);
    return memory_limit_of_groups(path, root);
}

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    struct abl_err err;
    return file_remove_tree(root, &err) ? 0 : -1;
}

static void version_2_counts_with_those_above(void **state)
{
    (void)state;
    put("slice/job/step/memory.max", "max\n");
    put("slice/job/memory.max", "3000\n");
    put("slice/memory.max", "5000\n");
    assert_int_equal(limit_of("0::/slice/job/step\n"), 3000);
    assert_int_equal(limit_of("0::/slice\n"), 5000);
    assert_true(limit_of("0::/\n") == UINT64_MAX);
    put("memory.max", "400\n"); // of a container
    assert_int_equal(limit_of("0::/\n"), 400);
    assert_int_equal(limit_of("0::/seen/from/outside\n"), 400);
}

static void version_1_is_the_memory_controllers(void **state)
{
    (void)state;
    put("memory/job/memory.limit_in_bytes", "70\n");
    put("memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(limit_of("12:cpu,cpuacct:/job\n11:memory:/job\n"), 70);
    assert_int_equal(limit_of("4:hugetlb,memory:/job\n"), 70);
    assert_true(limit_of("4:memory:/another\n") == 9223372036854771712u);
    assert_true(limit_of("4:memory2:/job\n") == UINT64_MAX);
}

static void what_is_not_there_or_no_list_limits_nothing(void **state)
{
    (void)state;
    assert_true(memory_limit_of_groups("/no/such/file", root) == UINT64_MAX);
    assert_true(limit_of("") == UINT64_MAX && limit_of("no colons\n") == UINT64_MAX);
    put("memory/odd/memory.limit_in_bytes", "many\n");
    put("memory/memory.limit_in_bytes", "");
    assert_true(limit_of("4:memory:/odd\n") == UINT64_MAX);
}

static void the_machines_memory_is_the_most(void **state)
{
    (void)state;
    assert_true(memory_limit() > 0 && memory_limit() < UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_2_counts_with_those_above),
        cmocka_unit_test(version_1_is_the_memory_controllers),
        cmocka_unit_test(what_is_not_there_or_no_list_limits_nothing),
        cmocka_unit_test(the_machines_memory_is_the_most),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
