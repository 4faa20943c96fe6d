// Files and their hashes: whole and positioned reads, writes that are all or nothing, folders.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/sha256.h"
#include "tests/support/scratch.h"

// The error must be of that code and name the path and the reason.
static void expect_error(const struct abl_err *err, enum abl_code code, const char *path,
                         const char *reason)
{
    if (err->code != code || !strstr(err->text, path) || !strstr(err->text, reason))
        fail_msg("found error %d \"%s\", expected %d naming '%s' and \"%s\"", (int)err->code,
                 err->text, (int)code, path, reason);
}

static void expect_content(const char *path, const char *content)
{
    struct file_bytes bytes;
    struct abl_err err;
    if (!file_read(path, 1 << 20, &bytes, ABL_FAILED, &err))
        fail_msg("%s", err.text);
    assert_int_equal(bytes.size, strlen(content));
    assert_memory_equal(bytes.data, content, bytes.size + 1);
    file_bytes_release(&bytes);
}

static void reads_a_file_whole_with_a_nul_behind_it(void **state)
{
    struct scratch *s = *state;
    static const char content[] = "two\nlines \0 and a zero";
    struct file_bytes bytes;
    struct abl_err err;
    scratch_write(s, "a", content, sizeof content - 1);
    assert_true(file_read(scratch_path(s, "a"), sizeof content - 1, &bytes, ABL_FAILED, &err));
    assert_int_equal(bytes.size, sizeof content - 1);
    assert_memory_equal(bytes.data, content, sizeof content);
    file_bytes_release(&bytes);
    scratch_text(s, "empty", "");
    expect_content(scratch_path(s, "empty"), "");
}

static void refuses_files_above_the_limit(void **state)
{
    struct scratch *s = *state;
    struct file_bytes bytes;
    struct abl_err err;
    scratch_text(s, "a", "12345");
    assert_false(file_read(scratch_path(s, "a"), 4, &bytes, ABL_BAD_DATA, &err));
    expect_error(&err, ABL_BAD_DATA, "/a'", "too large: expected at most 4 bytes");
    assert_true(truncate(scratch_path(s, "a"), (off_t)1 << 40) == 0); // sparse: refused unread
    assert_false(file_read(scratch_path(s, "a"), 1 << 20, &bytes, ABL_BAD_DATA, &err));
    expect_error(&err, ABL_BAD_DATA, "/a'", "too large");
}

static void reads_standard_input_to_its_end(void **state)
{
    struct scratch *s = *state;
    char *big = malloc(300000);
    int kept = dup(STDIN_FILENO), ends[2];
    struct file_bytes bytes;
    struct abl_err err;
    assert_non_null(big);
    memset(big, 'x', 300000);
    scratch_write(s, "big", big, 300000);
    assert_non_null(freopen(scratch_path(s, "big"), "rb", stdin));
    assert_true(file_read("-", 300000, &bytes, ABL_FAILED, &err));
    assert_int_equal(bytes.size, 300000);
    assert_memory_equal(bytes.data, big, 300000);
    file_bytes_release(&bytes);
    assert_int_equal(pipe(ends), 0); // a pipe's size is not known beforehand
    assert_int_equal(write(ends[1], "123456789", 9), 9);
    close(ends[1]);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    assert_false(file_read("-", 8, &bytes, ABL_BAD_DATA, &err));
    expect_error(&err, ABL_BAD_DATA, "standard input", "expected at most 8 bytes");
    close(ends[0]);
    dup2(kept, STDIN_FILENO);
    close(kept);
    free(big);
}

static void names_what_cannot_be_opened(void **state)
{
    struct scratch *s = *state;
    struct file_bytes bytes;
    struct file_source f;
    struct abl_err err;
    assert_false(file_read(scratch_path(s, "none"), 10, &bytes, ABL_BAD_MODEL, &err));
    expect_error(&err, ABL_BAD_MODEL, "/none'", "No such file");
    assert_false(file_open(scratch_path(s, "none"), &f, ABL_BAD_MODEL, &err));
    expect_error(&err, ABL_BAD_MODEL, "/none'", "No such file");
    assert_false(file_read(s->path, 10, &bytes, ABL_FAILED, &err));
    expect_error(&err, ABL_FAILED, s->path, "is a folder: expected a file");
    assert_false(file_open(s->path, &f, ABL_FAILED, &err));
    expect_error(&err, ABL_FAILED, s->path, "is a folder: expected a file");
}

static void make_socket(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0 && strlen(path) < sizeof at.sun_path);
    strcpy(at.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    close(fd);
}

// Opening a pipe waits for a writer, reading a device may never end. alarm() ends the test, should
// any of it wait.
static void does_not_wait_for_what_is_no_file(void **state)
{
    struct scratch *s = *state;
    struct file_bytes bytes;
    struct file_source f;
    struct abl_err err;
    char pipe_path[SCRATCH_PATH + 16], link_path[SCRATCH_PATH + 16], socket_path[SCRATCH_PATH + 16];
    snprintf(pipe_path, sizeof pipe_path, "%s", scratch_path(s, "pipe"));
    snprintf(link_path, sizeof link_path, "%s", scratch_path(s, "link"));
    snprintf(socket_path, sizeof socket_path, "%s", scratch_path(s, "socket"));
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_int_equal(symlink("/dev/zero", link_path), 0);
    make_socket(socket_path);
    const struct {
        const char *path, *kind;
    } cases[] = { { pipe_path, "is a named pipe: expected a regular file" },
                  { link_path, "is a device: expected a regular file" },
                  { "/dev/zero", "is a device: expected a regular file" },
                  { socket_path, "is a socket: expected a regular file" } };
    alarm(20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_false(file_read(cases[i].path, 10, &bytes, ABL_BAD_DATA, &err));
        expect_error(&err, ABL_BAD_DATA, cases[i].path, cases[i].kind);
        assert_false(file_open(cases[i].path, &f, ABL_BAD_MODEL, &err));
        expect_error(&err, ABL_BAD_MODEL, cases[i].path, cases[i].kind);
    }
    alarm(0);
}

// What a shell opens for <(command).
static void reads_what_a_shell_has_opened(void **state)
{
    (void)state;
    struct file_bytes bytes;
    struct abl_err err;
    char path[32];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "made", 4), 4);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    if (!file_read(path, 10, &bytes, ABL_BAD_DATA, &err))
        fail_msg("%s", err.text);
    assert_string_equal(bytes.data, "made");
    file_bytes_release(&bytes);
    close(ends[0]);
    assert_false(file_read(path, 10, &bytes, ABL_BAD_DATA, &err));
    expect_error(&err, ABL_BAD_DATA, path, "cannot read");
}

static void positioned_reads_stop_at_the_end(void **state)
{
    struct scratch *s = *state;
    struct file_source f;
    struct abl_err err;
    char bytes[16] = { 0 };
    scratch_text(s, "a", "0123456789");
    assert_true(file_open(scratch_path(s, "a"), &f, ABL_FAILED, &err));
    assert_int_equal(f.size, 10);
    assert_true(file_read_at(&f, 4, bytes, 3, &err));
    assert_string_equal(bytes, "456");
    assert_true(file_read_at(&f, 7, bytes, 3, &err) && file_read_at(&f, 10, bytes, 0, &err));
    assert_string_equal(bytes, "789");
    assert_false(file_read_at(&f, 8, bytes, 3, &err));
    expect_error(&err, ABL_FAILED, "/a'", "ends at byte 10: expected 1 more bytes");
    assert_int_equal(truncate(scratch_path(s, "a"), 5), 0); // an error, never a signal
    assert_false(file_read_at(&f, 4, bytes, 3, &err));
    expect_error(&err, ABL_FAILED, "/a'", "ends at byte 5: expected 2 more bytes");
    assert_false(file_read_at(&f, UINT64_MAX - 1, bytes, 1, &err));
    file_close(&f);
    assert_int_equal(f.fd, -1);
    file_close(&f);
}

static void joins_with_one_slash(void **state)
{
    (void)state;
    static const char *const cases[][3] = { { "a", "b", "a/b" },
                                            { "a/", "b", "a/b" },
                                            { "", "b", "b" },
                                            { "/", "b", "/b" },
                                            { "a", "", "a/" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = file_join(cases[i][0], cases[i][1]);
        assert_string_equal(path, cases[i][2]);
        free(path);
    }
}

static void runs_of_slashes_become_one(void **state)
{
    (void)state;
    static const char *const cases[][2] = { { "", "" },
                                            { "a", "a" },
                                            { "/", "/" },
                                            { "//", "/" },
                                            { "runs//x///y", "runs/x/y" },
                                            { "a/", "a/" },
                                            { "//a//", "/a/" },
                                            { "..//b", "../b" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[32];
        strcpy(path, cases[i][0]);
        file_tidy(path);
        assert_string_equal(path, cases[i][1]);
    }
    struct arena a = { 0 };
    assert_string_equal(file_path(&a, "%s/%s/%d.json", "out//", "/in", 7), "out/in/7.json");
    arena_release(&a);
}

static void writes_all_or_nothing(void **state)
{
    struct scratch *s = *state;
    struct abl_err err;
    char path[SCRATCH_PATH + 16];
    snprintf(path, sizeof path, "%s", scratch_path(s, "out/x"));
    assert_false(file_write_atomic(path, "new", 3, &err)); // no such folder
    expect_error(&err, ABL_FAILED, "/out/x'", "No such file");
    scratch_text(s, "out/x", "old");
    assert_true(file_write_atomic(path, "new!", 4, &err));
    expect_content(path, "new!");
    assert_true(file_write_atomic(path, "", 0, &err));
    expect_content(path, "");
    assert_true(file_make_dirs(scratch_path(s, "out/taken/child"), &err));
    assert_false(file_write_atomic(scratch_path(s, "out/taken"), "new", 3, &err)); // a folder
    expect_error(&err, ABL_FAILED, "/out/taken'", "cannot write");
    // Nothing half-written stays: with x and taken gone the folder is empty.
    scratch_delete(s, "out/x");
    assert_true(file_remove_tree(scratch_path(s, "out/taken"), &err));
    assert_int_equal(rmdir(scratch_path(s, "out")), 0);
}

// A name that can be known beforehand is one that somebody else can take first.
static void writes_under_names_that_nobody_knows(void **state)
{
    struct scratch *s = *state;
    struct abl_err err;
    char out[SCRATCH_PATH + 16], planted[SCRATCH_PATH + 32], names[2][FILE_RANDOM_NAME];
    snprintf(out, sizeof out, "%s", scratch_path(s, "out"));
    scratch_text(s, "kept", "kept");
    snprintf(planted, sizeof planted, "%s.tmp-%ld", out, (long)getpid());
    assert_int_equal(symlink("kept", planted), 0);
    assert_true(file_write_atomic(out, "new", 3, &err));
    expect_content(out, "new");
    expect_content(scratch_path(s, "kept"), "kept");
    file_random_name(names[0]);
    file_random_name(names[1]);
    assert_int_equal(strlen(names[0]), FILE_RANDOM_NAME - 1);
    assert_string_not_equal(names[0], names[1]);
    // A link at the place itself is replaced.
    assert_int_equal(symlink("kept", scratch_path(s, "link")), 0);
    assert_true(file_write_atomic(scratch_path(s, "link"), "new", 3, &err));
    expect_content(scratch_path(s, "link"), "new");
    expect_content(scratch_path(s, "kept"), "kept");
}

// As long as a name may be: the temporary one must not be longer.
static void writes_the_longest_names(void **state)
{
    struct scratch *s = *state;
    struct abl_err err;
    char path[SCRATCH_PATH + NAME_MAX + 2];
    int len = snprintf(path, sizeof path, "%s/", s->path);
    memset(path + len, 'n', NAME_MAX);
    path[len + NAME_MAX] = '\0';
    if (!file_write_atomic(path, "new", 3, &err))
        fail_msg("%s", err.text);
    expect_content(path, "new");
}

static void makes_missing_folders_only(void **state)
{
    struct scratch *s = *state;
    struct abl_err err;
    assert_true(file_make_dirs(scratch_path(s, "d/e//f/"), &err));
    assert_true(file_make_dirs(scratch_path(s, "d/e/f"), &err));
    assert_true(file_is_dir(scratch_path(s, "d/e/f")));
    scratch_text(s, "d/file", "");
    assert_false(file_is_dir(scratch_path(s, "d/file")));
    assert_false(file_make_dirs(scratch_path(s, "d/file/g"), &err));
    expect_error(&err, ABL_FAILED, "/d/file'", "cannot create folder");
}

static void removes_links_and_not_what_they_point_at(void **state)
{
    struct scratch *s = *state;
    struct abl_err err;
    char target[SCRATCH_PATH + 16], missing[SCRATCH_PATH + 16];
    scratch_text(s, "kept/file", "kept");
    scratch_text(s, "tree/a/b/file", "x");
    snprintf(target, sizeof target, "%s", scratch_path(s, "kept"));
    snprintf(missing, sizeof missing, "%s", scratch_path(s, "missing"));
    assert_int_equal(symlink(target, scratch_path(s, "tree/a/link")), 0);
    assert_int_equal(symlink(missing, scratch_path(s, "tree/dangling")), 0);
    assert_true(file_exists(scratch_path(s, "tree/dangling")));
    assert_false(file_exists(missing));
    assert_true(file_remove_tree(scratch_path(s, "tree"), &err));
    assert_false(file_exists(scratch_path(s, "tree")));
    expect_content(scratch_path(s, "kept/file"), "kept");
    assert_false(file_remove_tree(missing, &err));
    expect_error(&err, ABL_FAILED, "/missing'", "cannot remove");
}

// Digests of FIPS 180-2, appendix B, and of the empty message.
static void hashes_the_published_messages(void **state)
{
    struct scratch *s = *state;
    struct abl_err err;
    char hex[SHA256_HEX];
    assert_true(sha256_bytes("", 0, hex, &err));
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_true(sha256_bytes("abc", 3, hex, &err));
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char *million = malloc(1000000);
    assert_non_null(million);
    memset(million, 'a', 1000000);
    scratch_write(s, "million", million, 1000000);
    free(million);
    assert_true(sha256_file(scratch_path(s, "million"), hex, &err));
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    assert_false(sha256_file(scratch_path(s, "none"), hex, &err));
    expect_error(&err, ABL_FAILED, "/none'", "No such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_a_file_whole_with_a_nul_behind_it, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(refuses_files_above_the_limit, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(reads_standard_input_to_its_end, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(names_what_cannot_be_opened, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(does_not_wait_for_what_is_no_file, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test(reads_what_a_shell_has_opened),
        cmocka_unit_test_setup_teardown(writes_under_names_that_nobody_knows, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(writes_the_longest_names, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(positioned_reads_stop_at_the_end, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test(joins_with_one_slash),
        cmocka_unit_test(runs_of_slashes_become_one),
        cmocka_unit_test_setup_teardown(writes_all_or_nothing, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(makes_missing_folders_only, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(removes_links_and_not_what_they_point_at, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(hashes_the_published_messages, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
