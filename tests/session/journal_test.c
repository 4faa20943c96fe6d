// Journals: what is added comes back to the bit, and whatever a file was cut or damaged to, only
// whole records do.
#include <fcntl.h>
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

#include "session/journal.h"
#include "tests/support/check.h"

enum { N_VARIANTS = 5, N_ROWS = 7 };
static const struct journal_sizes sizes = { N_VARIANTS, N_ROWS, N_ROWS };
static const struct journal_part whole = { 0, 0 };

static struct row_stats rows[N_VARIANTS * N_ROWS];

struct place {
    char dir[64], path[96];
    int folder;
};

static void place_make(struct place *p)
{
    strcpy(p->dir, "/tmp/abltui-journal-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->path, sizeof p->path, "%s/journal.bin", p->dir);
    p->folder = open(p->dir, O_RDONLY | O_DIRECTORY);
    assert_true(p->folder >= 0);
    for (size_t i = 0; i < N_VARIANTS * N_ROWS; i++)
        rows[i] = (struct row_stats){ .target_logit = (float)i / 3,
                                      .foil_logit = -(float)i,
                                      .rank = (uint32_t)i,
                                      .argmax = 1000 + (uint32_t)i };
}

static void place_remove(struct place *p)
{
    unlinkat(p->folder, "journal.jsonl", 0);
    unlinkat(p->folder, "journal.bin", 0);
    close(p->folder);
    assert_int_equal(rmdir(p->dir), 0);
}

// Two batches, of variants 1 and 3 over rows 2…6 and of 4 over all of them.
static void write_two(struct place *p, off_t ends[2])
{
    static const size_t some[] = { 3, 1 }, other[] = { 4 };
    struct journal *j;
    struct abl_err err = { 0 };
    struct stat st;
    CHECK(journal_create(p->folder, p->dir, whole, &sizes, &j, &err));
    journal_add_cells(j, rows, 2, 5, some, 2);
    assert_int_equal(stat(p->path, &st), 0);
    ends[0] = st.st_size;
    journal_add_cells(j, rows, 0, N_ROWS, other, 1);
    assert_int_equal(stat(p->path, &st), 0);
    ends[1] = st.st_size;
    CHECK(journal_sync(j, &err));
    journal_close(j);
}

struct seen {
    bool cells[N_VARIANTS][N_ROWS];
    size_t n;
};

static bool see(void *context, const struct journal_record *r, struct abl_err *err)
{
    (void)err;
    struct seen *s = context;
    s->n++;
    for (size_t i = 0; i < r->n_variants; i++)
        for (size_t k = 0; k < r->n_rows; k++) {
            size_t row = r->first + k, variant = r->variants[i];
            const struct row_stats *is = &r->rows[i * r->n_rows + k];
            if (memcmp(is, &rows[variant * N_ROWS + row], sizeof *is) != 0)
                fail_msg("variant %zu row %zu: rank %u, expected %zu", variant, row, is->rank,
                         variant * N_ROWS + row);
            s->cells[variant][row] = true;
        }
    return true;
}

static size_t n_read(struct place *p, struct seen *s, uint64_t *torn)
{
    struct abl_err err = { 0 };
    *s = (struct seen){ .n = 0 };
    CHECK(journal_read(p->folder, p->dir, whole, &sizes, see, s, torn, &err));
    return s->n;
}

static void what_is_added_comes_back(void **state)
{
    (void)state;
    struct place p;
    struct seen s;
    off_t ends[2];
    uint64_t torn;
    place_make(&p);
    write_two(&p, ends);
    assert_int_equal(n_read(&p, &s, &torn), 2);
    assert_int_equal(torn, 0);
    for (size_t v = 0; v < N_VARIANTS; v++)
        for (size_t i = 0; i < N_ROWS; i++)
            if (s.cells[v][i] != (v == 4 || ((v == 1 || v == 3) && i >= 2)))
                fail_msg("variant %zu row %zu is %sthere", v, i, s.cells[v][i] ? "" : "not ");
    place_remove(&p);
}

static void put_bytes(const struct place *p, const char *bytes, off_t n)
{
    int fd = open(p->path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, bytes, (size_t)n), n);
    close(fd);
}

static void a_record_cut_anywhere_is_dropped_and_written_over(void **state)
{
    (void)state;
    struct place p;
    struct seen s;
    off_t ends[2];
    uint64_t torn;
    static const size_t again[] = { 4 };
    place_make(&p);
    write_two(&p, ends);
    char *bytes = malloc((size_t)ends[1]);
    int fd = open(p.path, O_RDONLY);
    assert_true(bytes && read(fd, bytes, (size_t)ends[1]) == ends[1]);
    close(fd);
    for (off_t at = ends[1] - 1; at >= 0; at--) {
        struct journal *j;
        struct abl_err err = { 0 };
        put_bytes(&p, bytes, at);
        size_t whole_ones = at >= ends[0];
        assert_int_equal(n_read(&p, &s, &torn), whole_ones);
        assert_int_equal(torn, at - (whole_ones ? ends[0] : 0));
        if (at % 16)
            continue;
        CHECK(journal_reopen(p.folder, p.dir, whole, &sizes, &j, &err));
        journal_add_cells(j, rows, 0, N_ROWS, again, 1);
        CHECK(journal_holds(j, &err));
        journal_close(j);
        assert_int_equal(n_read(&p, &s, &torn), whole_ones + 1);
        assert_int_equal(torn, 0);
    }
    free(bytes);
    place_remove(&p);
}

static void a_bit_that_changed_ends_what_is_taken(void **state)
{
    (void)state;
    struct place p;
    struct seen s;
    off_t ends[2];
    place_make(&p);
    write_two(&p, ends);
    int fd = open(p.path, O_RDWR);
    for (off_t at = 0; at < ends[1]; at++)
        for (int bit = 0; bit < 8; bit += 3) {
            unsigned char was, is;
            assert_int_equal(pread(fd, &was, 1, at), 1);
            is = was ^ (unsigned char)(1 << bit);
            assert_int_equal(pwrite(fd, &is, 1, at), 1);
            size_t n = n_read(&p, &s, NULL), expected = at >= ends[0];
            if (n != expected)
                fail_msg("bit %d of byte %d changed: %zu records, expected %zu", bit, (int)at, n,
                         expected);
            assert_int_equal(pwrite(fd, &was, 1, at), 1);
        }
    close(fd);
    assert_int_equal(n_read(&p, &s, NULL), 2);
    place_remove(&p);
}

static void two_do_not_write_one(void **state)
{
    (void)state;
    struct place p;
    struct journal *j, *other;
    struct abl_err err = { 0 };
    place_make(&p);
    CHECK(journal_create(p.folder, p.dir, whole, &sizes, &j, &err));
    assert_false(journal_reopen(p.folder, p.dir, whole, &sizes, &other, &err));
    assert_int_equal(err.code, ABL_USAGE);
    assert_non_null(strstr(err.text, "another process"));
    journal_close(j);
    CHECK(journal_reopen(p.folder, p.dir, whole, &sizes, &other, &err));
    journal_close(other);
    place_remove(&p);
}

static void names_say_the_shard(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is;
        struct journal_part part;
    } cases[] = { { "journal.jsonl", true, { 0, 0 } },
                  { "journal.2-8.jsonl", true, { 2, 8 } },
                  { "journal.02-8.jsonl", false, { 0, 0 } },
                  { "journal.2-8.bin", false, { 0, 0 } },
                  { "journal.2-8.jsonl.tmp-1", false, { 0, 0 } },
                  { "journals", false, { 0, 0 } } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct journal_part part = { 0, 0 };
        if (journal_is_name(cases[i].name, "jsonl", &part) != cases[i].is
            || part.i != cases[i].part.i || part.n != cases[i].part.n)
            fail_msg("%s: shard %u of %u", cases[i].name, part.i, part.n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_comes_back),
        cmocka_unit_test(a_record_cut_anywhere_is_dropped_and_written_over),
        cmocka_unit_test(a_bit_that_changed_ends_what_is_taken),
        cmocka_unit_test(two_do_not_write_one),
        cmocka_unit_test(names_say_the_shard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
