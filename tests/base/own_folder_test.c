// Files that are to be the user's alone: what others could have put there is not used.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/own_folder.h"
#include "tests/support/scratch.h"

static void expect_used(const struct scratch *s, const char *content)
{
    struct own_folder f;
    struct file_bytes bytes;
    if (!own_folder_open(s->path, "kept", &f) || !own_folder_read(&f, "a", 100, &bytes))
        fail_msg("not used: %s", f.why);
    assert_string_equal(bytes.data, content);
    assert_string_equal(f.why, "");
    file_bytes_release(&bytes);
    own_folder_close(&f);
}

static void expect_not_used(const struct scratch *s, const char *why)
{
    struct own_folder f;
    struct file_bytes bytes;
    if (own_folder_open(s->path, "kept", &f) && own_folder_read(&f, "a", 100, &bytes))
        fail_msg("'%s' was read, expected: %s", bytes.data, why);
    if (!strstr(f.why, why) || !strstr(f.why, s->path) || !strstr(f.why, "is not used: it "))
        fail_msg("found \"%s\", expected \"%s\"", f.why, why);
    own_folder_close(&f);
}

static void mode(const struct scratch *s, const char *name, mode_t mode)
{
    assert_int_equal(chmod(scratch_path(s, name), mode), 0);
}

static int make_kept(void **state)
{
    struct own_folder f;
    mode_t before = umask(0);
    int status = scratch_setup(state);
    struct scratch *s = *state;
    assert_true(own_folder_open(s->path, "kept", &f));
    assert_true(own_folder_write(&f, "a", "mine", 4));
    own_folder_close(&f);
    umask(before);
    return status;
}

static void what_is_written_is_read(void **state)
{
    struct scratch *s = *state;
    struct own_folder f;
    struct file_bytes bytes;
    struct stat st;
    expect_used(s, "mine");
    assert_true(stat(scratch_path(s, "kept"), &st) == 0 && (st.st_mode & 0777) == 0700);
    assert_true(stat(scratch_path(s, "kept/a"), &st) == 0 && (st.st_mode & 0777) == 0600);
    assert_true(own_folder_open(s->path, "kept", &f));
    assert_false(own_folder_read(&f, "none", 100, &bytes)); // nothing to speak of
    assert_string_equal(f.why, "");
    own_folder_close(&f);
    assert_false(own_folder_open(scratch_path(s, "nowhere"), "kept", &f));
    assert_string_equal(f.why, "");
}

static void what_others_can_write_to_is_not_used(void **state)
{
    struct scratch *s = *state;
    mode(s, "kept/a", 0620);
    expect_not_used(s, "/kept/a' is not used: it can be written to by others");
    mode(s, "kept/a", 0602);
    expect_not_used(s, "/kept/a' is not used: it can be written to by others");
    mode(s, "kept/a", 0644);
    expect_used(s, "mine");
    mode(s, "kept", 0770);
    expect_not_used(s, "/kept' is not used: it can be written to by others");
    mode(s, "kept", 01777);
    expect_not_used(s, "/kept' is not used: it can be written to by others");
    mode(s, "kept", 0755);
    expect_used(s, "mine");
    mode(s, "", 0777);
    expect_not_used(s, "can be written to by everybody");
    mode(s, "", 01777); // as /tmp is: what is in it stays its owner's
    expect_used(s, "mine");
}

static void links_and_pipes_are_not_used(void **state)
{
    struct scratch *s = *state;
    char to[SCRATCH_PATH + 16], from[SCRATCH_PATH + 16];
    snprintf(from, sizeof from, "%s", scratch_path(s, "kept/a"));
    snprintf(to, sizeof to, "%s", scratch_path(s, "kept/b"));
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(symlink("b", from), 0);
    expect_not_used(s, "/kept/a' is not used: it is no regular file");
    assert_int_equal(unlink(from), 0);
    assert_int_equal(mkfifo(from, 0600), 0);
    alarm(20); // it is not waited for
    expect_not_used(s, "/kept/a' is not used: it is no regular file");
    alarm(0);
    snprintf(from, sizeof from, "%s", scratch_path(s, "kept"));
    snprintf(to, sizeof to, "%s", scratch_path(s, "other"));
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(symlink("other", from), 0);
    expect_not_used(s, "/kept' is not used: it is no folder");
}

static void what_belongs_to_others_is_not_used(void **state)
{
    struct scratch *s = *state;
    if (geteuid() != 0) { // who may not give files away
        struct stat st = { .st_uid = geteuid() + 1 };
        assert_false(own_is_trusted(&st, geteuid()));
        return;
    }
    assert_int_equal(chown(scratch_path(s, "kept/a"), 65534, 65534), 0);
    expect_not_used(s, "/kept/a' is not used: it belongs to another user");
    assert_int_equal(chown(scratch_path(s, "kept/a"), 0, 0), 0);
    assert_int_equal(chown(scratch_path(s, "kept"), 65534, 65534), 0);
    expect_not_used(s, "/kept' is not used: it belongs to another user");
    assert_int_equal(chown(scratch_path(s, "kept"), 0, 0), 0);
    assert_int_equal(chown(s->path, 65534, 65534), 0);
    expect_not_used(s, "belongs to another user");
    assert_int_equal(chown(s->path, 0, 0), 0);
    expect_used(s, "mine");
}

// A folder beside the program: of whoever put the program there, too.
static void a_folder_is_trusted_by_its_owner(void **state)
{
    (void)state;
    const uid_t me = geteuid(), other = me + 1, third = me + 2;
    assert_true(own_is_trusted(&(struct stat){ .st_uid = me, .st_mode = S_IFDIR | 0775 }, other));
    assert_true(own_is_trusted(&(struct stat){ .st_uid = 0, .st_mode = S_IFDIR | 0755 }, other));
    assert_true(
        own_is_trusted(&(struct stat){ .st_uid = other, .st_mode = S_IFDIR | 0755 }, other));
    assert_false(
        own_is_trusted(&(struct stat){ .st_uid = third, .st_mode = S_IFDIR | 0755 }, other));
    assert_false(own_is_trusted(&(struct stat){ .st_uid = me, .st_mode = S_IFDIR | 0777 }, other));
}

#define KEPT(test) cmocka_unit_test_setup_teardown(test, make_kept, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT(what_is_written_is_read),
        KEPT(what_others_can_write_to_is_not_used),
        KEPT(links_and_pipes_are_not_used),
        KEPT(what_belongs_to_others_is_not_used),
        cmocka_unit_test(a_folder_is_trusted_by_its_owner),
    };
    return cmocka_run_group_tests_name("own_folder", tests, NULL, NULL);
}
