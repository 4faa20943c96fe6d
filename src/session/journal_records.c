#include "session/journal_records.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32.h"
#include "base/size.h"
#include "session/tinylab_measure.h"

// ------------------------------------------------------------------------------------------- names

void journal_name(struct journal_part part, const char *ending, char out[JOURNAL_NAME])
{
    if (part.n)
        snprintf(out, JOURNAL_NAME, "journal.%" PRIu32 "-%" PRIu32 ".%s", part.i, part.n, ending);
    else
        snprintf(out, JOURNAL_NAME, "journal.%s", ending);
}

bool journal_is_name(const char *name, const char *ending, struct journal_part *out)
{
    static const char *const endings[] = { "jsonl", "bin" };
    char own[JOURNAL_NAME];
    struct journal_part part = { 0, 0 };
    if (sscanf(name, "journal.%" SCNu32 "-%" SCNu32 ".", &part.i, &part.n) != 2)
        part = (struct journal_part){ 0, 0 };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        journal_name(part, endings[i], own);
        if ((ending && strcmp(ending, endings[i]) != 0) || strcmp(own, name) != 0)
            continue;
        if (out)
            *out = part;
        return true;
    }
    return false;
}

// ----------------------------------------------------------------------------------------- reading

uint64_t journal_payload(const struct journal_sizes *s, const struct journal_head *h)
{
    uint64_t each = count_add(count_mul(h->n_rows, sizeof(struct row_stats)), sizeof(uint32_t));
    if (h->kind == RECORD_VARIANTS)
        each = count_add(each, count_mul(s->n_rows, sizeof(struct tinylab_row)));
    return count_mul(h->n_variants, each);
}

// A file of records as it is read.
struct reader {
    int fd;
    uint64_t size, at;
    const struct journal_sizes *sizes;
    char *payload;
    size_t room;
};

static bool read_at(const struct reader *r, uint64_t at, void *out, size_t len)
{
    char *to = out;
    while (len) {
        ssize_t n = pread(r->fd, to, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        to += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

static bool has_sense(const struct reader *r, const struct journal_head *h)
{
    const struct journal_sizes *s = r->sizes;
    bool is_run = h->kind == RECORD_INTACT || h->kind == RECORD_OTHER;
    uint64_t n_rows = is_run ? s->n_rows : s->n_run;
    return h->magic == JOURNAL_MAGIC && h->kind < N_RECORD_KINDS && h->n_variants
           && h->first <= n_rows && h->n_rows <= n_rows - h->first
           && h->n_variants <= s->n_variants + is_run
           && (h->kind != RECORD_VARIANTS || h->n_rows == n_rows)
           && journal_payload(s, h) <= r->size - r->at - sizeof *h;
}

// Read what is behind a head, which is no more than the file has. False where it is not what was
// written, or (*failed) memory is out.
static bool load(struct reader *r, const struct journal_head *h, uint64_t len, bool *failed)
{
    if (len > PTRDIFF_MAX)
        return false;
    if (len > r->room) {
        char *more = realloc(r->payload, len);
        *failed = !more;
        if (!more)
            return false;
        r->payload = more;
        r->room = len;
    }
    if (!read_at(r, r->at + sizeof *h, r->payload, len))
        return false;
    uint32_t crc = crc32_more(0, &h->kind, sizeof *h - offsetof(struct journal_head, kind));
    return crc32_more(crc, r->payload, len) == h->crc;
}

static struct journal_record parse(const struct reader *r, const struct journal_head *h)
{
    size_t of_tinylab = h->kind == RECORD_VARIANTS
                            ? h->n_variants * r->sizes->n_rows * sizeof(struct tinylab_row)
                            : 0;
    size_t of_rows = h->n_variants * h->n_rows * sizeof(struct row_stats);
    return (struct journal_record){ .kind = (enum journal_kind)h->kind,
                                    .first = h->first,
                                    .n_rows = h->n_rows,
                                    .n_variants = h->n_variants,
                                    .variants = (const void *)(r->payload + of_tinylab + of_rows),
                                    .rows = (const void *)(r->payload + of_tinylab),
                                    .tinylab = of_tinylab ? (const void *)r->payload : NULL };
}

// The record at r->at. False where there is no whole one, or (*failed) memory is out.
static bool next_record(struct reader *r, struct journal_record *out, bool *failed)
{
    struct journal_head h;
    if (r->size - r->at < sizeof h || !read_at(r, r->at, &h, sizeof h) || !has_sense(r, &h))
        return false;
    uint64_t len = journal_payload(r->sizes, &h);
    if (!load(r, &h, len, failed))
        return false;
    *out = parse(r, &h);
    for (size_t i = 0; i < out->n_variants; i++)
        if (out->variants[i] >= r->sizes->n_variants && out->kind <= RECORD_VARIANTS)
            return false;
    r->at += sizeof h + len;
    return true;
}

bool journal_read_open(int fd, const char *place, const char *name,
                       const struct journal_sizes *sizes, journal_see *see, void *context,
                       uint64_t *size, uint64_t *end, struct abl_err *err)
{
    struct stat st;
    struct journal_record record;
    bool failed = false;
    if (fstat(fd, &st) != 0)
        return abl_fail(err, ABL_FAILED, "cannot read '%s/%s': %s", place, name, strerror(errno));
    struct reader r = { .fd = fd, .size = (uint64_t)st.st_size, .sizes = sizes };
    bool ok = true;
    while (ok && next_record(&r, &record, &failed))
        ok = !see || see(context, &record, err);
    if (failed)
        ok = abl_no_memory(err);
    *size = r.size;
    *end = r.at;
    free(r.payload);
    return ok;
}

bool journal_read(int folder, const char *place, struct journal_part part,
                  const struct journal_sizes *sizes, journal_see *see, void *context,
                  uint64_t *torn, struct abl_err *err)
{
    char name[JOURNAL_NAME];
    uint64_t size, end;
    journal_name(part, "bin", name);
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return abl_fail(err, ABL_BAD_DATA, "cannot open '%s/%s': %s", place, name, strerror(errno));
    bool ok = journal_read_open(fd, place, name, sizes, see, context, &size, &end, err);
    close(fd);
    if (ok && torn)
        *torn = size - end;
    return ok;
}
