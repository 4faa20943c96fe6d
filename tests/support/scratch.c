#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

void scratch_make(struct scratch *s)
{
    const char *temp = getenv("TMPDIR");
    int n = snprintf(s->path, sizeof s->path, "%s/abltui-test-XXXXXX", temp ? temp : "/tmp");
    assert_true(n > 0 && (size_t)n < sizeof s->path);
    assert_non_null(mkdtemp(s->path));
}

void scratch_remove(struct scratch *s)
{
    struct abl_err err;
    if (!file_remove_tree(s->path, &err))
        fail_msg("%s", err.text);
}

int scratch_setup(void **state)
{
    static struct scratch scratch;
    scratch_make(&scratch);
    *state = &scratch;
    return 0;
}

int scratch_teardown(void **state)
{
    scratch_remove(*state);
    return 0;
}

const char *scratch_path(const struct scratch *s, const char *name)
{
    static char path[2 * SCRATCH_PATH];
    int n = snprintf(path, sizeof path, "%s/%s", s->path, name);
    assert_true(n > 0 && (size_t)n < sizeof path);
    return path;
}

void scratch_write(const struct scratch *s, const char *name, const void *bytes, size_t len)
{
    struct abl_err err;
    char folder[2 * SCRATCH_PATH];
    const char *path = scratch_path(s, name);
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    assert_true(file_make_dirs(folder, &err));
    FILE *f = fopen(path, "wb"); // no fsync: mutation tests write thousands
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

void scratch_text(const struct scratch *s, const char *name, const char *text)
{
    scratch_write(s, name, text, strlen(text));
}

void scratch_delete(const struct scratch *s, const char *name)
{
    assert_int_equal(unlink(scratch_path(s, name)), 0);
}
