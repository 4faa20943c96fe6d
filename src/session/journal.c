#include "session/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/crc32.h"
#include "base/file.h"
#include "session/tinylab_measure.h"

enum { ROOM = 1 << 16 };

struct journal {
    struct journal_sizes sizes;
    char *place; // of the folder, for messages
    char bin_name[JOURNAL_NAME];
    int lines, bin;
    uint64_t end; // of the last whole record
    char *room;   // (ROOM) bytes that are not written yet
    size_t n_room;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; // of what follows
    pthread_cond_t wake;
    bool dirty, stopped;
    struct abl_err failed; // code ABL_OK: nothing has
};

// ----------------------------------------------------------------------------------------- syncing

static void fail(struct journal *j, const char *what)
{
    pthread_mutex_lock(&j->lock);
    if (!j->failed.code)
        abl_fail(&j->failed, ABL_FAILED, "cannot %s '%s/%s': %s", what, j->place, j->bin_name,
                 strerror(errno));
    pthread_mutex_unlock(&j->lock);
}

static bool sync_file(int fd)
{
    while (fdatasync(fd) != 0)
        if (errno != EINTR)
            return errno == EINVAL || errno == ENOTSUP; // some file systems know no such thing
    return true;
}

// Wait for something to sync, then for more of it to come; false when it is to end.
static bool wait_for_more(struct journal *j)
{
    enum { NANOSECONDS = 500000000 };
    pthread_mutex_lock(&j->lock);
    while (!j->dirty && !j->stopped)
        pthread_cond_wait(&j->wake, &j->lock);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += NANOSECONDS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!j->stopped && pthread_cond_timedwait(&j->wake, &j->lock, &until) != ETIMEDOUT)
        continue;
    bool goes_on = !j->stopped;
    j->dirty = false;
    pthread_mutex_unlock(&j->lock);
    return goes_on;
}

static void *keep_synced(void *context)
{
    struct journal *j = context;
    while (wait_for_more(j))
        if (!sync_file(j->bin))
            fail(j, "write");
    return NULL;
}

// Signals are others' business.
static void start_thread(struct journal *j)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    j->has_thread = pthread_create(&j->thread, NULL, keep_synced, j) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

// Something has been written; without a thread it is synced here and now.
static void mark_dirty(struct journal *j)
{
    if (!j->has_thread) {
        if (!sync_file(j->bin))
            fail(j, "write");
        return;
    }
    pthread_mutex_lock(&j->lock);
    if (!j->dirty) {
        j->dirty = true;
        pthread_cond_signal(&j->wake);
    }
    pthread_mutex_unlock(&j->lock);
}

bool journal_sync(struct journal *j, struct abl_err *err)
{
    if (!sync_file(j->bin))
        fail(j, "write");
    return journal_holds(j, err);
}

bool journal_holds(struct journal *j, struct abl_err *err)
{
    pthread_mutex_lock(&j->lock);
    bool ok = !j->failed.code;
    if (!ok && err)
        *err = j->failed;
    pthread_mutex_unlock(&j->lock);
    return ok;
}

int journal_descriptor(const struct journal *j)
{
    return j->bin;
}

// ----------------------------------------------------------------------------------------- writing

static bool flush(struct journal *j)
{
    bool ok = file_write_all(j->bin, j->room, j->n_room);
    j->n_room = 0;
    return ok;
}

static bool put(struct journal *j, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len) {
        size_t n = len < ROOM - j->n_room ? len : ROOM - j->n_room;
        memcpy(j->room + j->n_room, at, n);
        j->n_room += n;
        at += n;
        len -= n;
        if (j->n_room == ROOM && !flush(j))
            return false;
    }
    return true;
}

// What a record is put together from.
struct piece {
    const struct journal *j;
    struct journal_head head;
    const size_t *variants;
    const struct row_stats *rows; // [variant * stride + row]
    size_t stride;
    const struct tinylab_row *tinylab; // [variant * n_rows + row]; NULL: none
};

static const struct row_stats *rows_of(const struct piece *p, uint32_t i)
{
    return p->rows + (p->variants ? p->variants[i] * p->stride : 0) + p->head.first;
}

static uint32_t sum_up(const struct piece *p)
{
    const struct journal_head *h = &p->head;
    size_t n_rows = p->j->sizes.n_rows;
    uint32_t crc = crc32_more(0, &h->kind, sizeof *h - offsetof(struct journal_head, kind));
    for (uint32_t i = 0; p->tinylab && i < h->n_variants; i++)
        crc = crc32_more(crc, p->tinylab + p->variants[i] * n_rows, n_rows * sizeof *p->tinylab);
    for (uint32_t i = 0; i < h->n_variants; i++)
        crc = crc32_more(crc, rows_of(p, i), h->n_rows * sizeof *p->rows);
    for (uint32_t i = 0; i < h->n_variants; i++) {
        uint32_t number = p->variants ? (uint32_t)p->variants[i] : 0;
        crc = crc32_more(crc, &number, sizeof number);
    }
    return crc;
}

static bool put_piece(struct journal *j, const struct piece *p)
{
    const struct journal_head *h = &p->head;
    size_t n_rows = j->sizes.n_rows;
    bool ok = put(j, h, sizeof *h);
    for (uint32_t i = 0; ok && p->tinylab && i < h->n_variants; i++)
        ok = put(j, p->tinylab + p->variants[i] * n_rows, n_rows * sizeof *p->tinylab);
    for (uint32_t i = 0; ok && i < h->n_variants; i++)
        ok = put(j, rows_of(p, i), h->n_rows * sizeof *p->rows);
    for (uint32_t i = 0; ok && i < h->n_variants; i++) {
        uint32_t number = p->variants ? (uint32_t)p->variants[i] : 0;
        ok = put(j, &number, sizeof number);
    }
    return ok && flush(j);
}

// What did not get in whole goes again, so that later records are not lost behind it.
static void add(struct journal *j, struct piece *p)
{
    if (!journal_holds(j, NULL))
        return;
    p->j = j;
    p->head.magic = JOURNAL_MAGIC;
    p->head.crc = sum_up(p);
    if (put_piece(j, p)) {
        j->end += sizeof p->head + journal_payload(&j->sizes, &p->head);
        mark_dirty(j);
        return;
    }
    j->n_room = 0;
    fail(j, "write");
    (void)!ftruncate(j->bin, (off_t)j->end);
}

void journal_add_cells(struct journal *j, const struct row_stats *rows, size_t first, size_t n_rows,
                       const size_t *variants, size_t n)
{
    struct piece p
        = { .head
            = { .kind = RECORD_CELLS, .n_variants = (uint32_t)n, .first = first, .n_rows = n_rows },
            .variants = variants,
            .rows = rows,
            .stride = j->sizes.n_run };
    add(j, &p);
}

void journal_add_variants(struct journal *j, const struct row_stats *rows,
                          const struct tinylab_row *tinylab, const size_t *variants, size_t n)
{
    if (!j)
        return;
    struct piece p
        = { .head
            = { .kind = RECORD_VARIANTS, .n_variants = (uint32_t)n, .n_rows = j->sizes.n_run },
            .variants = variants,
            .rows = rows,
            .stride = j->sizes.n_run,
            .tinylab = tinylab };
    add(j, &p);
}

void journal_add_run(struct journal *j, enum journal_run which, const struct row_stats *rows)
{
    struct piece p = { .head = { .kind = which == JOURNAL_INTACT ? RECORD_INTACT : RECORD_OTHER,
                                 .n_variants = 1,
                                 .n_rows = j->sizes.n_rows },
                       .rows = rows };
    add(j, &p);
}

bool journal_add_line(struct journal *j, const struct buf *line, struct abl_err *err)
{
    if (line->failed)
        return abl_no_memory(err);
    bool ok = file_write_all(j->lines, line->data, line->len) && file_write_all(j->lines, "\n", 1)
              && sync_file(j->lines);
    return ok
           || abl_fail(err, ABL_FAILED, "cannot write '%s/journal.jsonl': %s", j->place,
                       strerror(errno));
}

// ----------------------------------------------------------------------------------------- opening

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->has_thread) {
        pthread_mutex_lock(&j->lock);
        j->stopped = true;
        pthread_cond_signal(&j->wake);
        pthread_mutex_unlock(&j->lock);
        pthread_join(j->thread, NULL);
    }
    if (j->bin >= 0)
        close(j->bin);
    if (j->lines >= 0)
        close(j->lines);
    pthread_mutex_destroy(&j->lock);
    pthread_cond_destroy(&j->wake);
    free(j->place);
    free(j->room);
    free(j);
}

static struct journal *journal_new(const char *place, const struct journal_sizes *sizes)
{
    struct journal *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    j->sizes = *sizes;
    j->lines = j->bin = -1;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->wake, &attr);
    pthread_condattr_destroy(&attr);
    j->place = strdup(place);
    j->room = malloc(ROOM);
    if (j->place && j->room)
        return j;
    journal_close(j);
    return NULL;
}

// Where locks are not to be had, the user's care has to do.
static bool lock(const struct journal *j, const char *name, struct abl_err *err)
{
    return flock(j->lines, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
           || abl_fail(err, ABL_USAGE,
                       "'%s/%s' is being written by another process: wait for it or end it",
                       j->place, name);
}

static bool open_files(struct journal *j, int folder, struct journal_part part, int flags,
                       struct abl_err *err)
{
    char lines[JOURNAL_NAME];
    journal_name(part, "jsonl", lines);
    journal_name(part, "bin", j->bin_name);
    flags |= O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
    const char *name = lines;
    j->lines = openat(folder, lines, flags, 0666);
    if (j->lines >= 0 && !lock(j, lines, err))
        return false;
    if (j->lines >= 0) {
        name = j->bin_name;
        j->bin = openat(folder, j->bin_name, flags | O_CREAT, 0666);
    }
    return j->bin >= 0
           || abl_fail(err, ABL_FAILED, "cannot open '%s/%s': %s", j->place, name, strerror(errno));
}

bool journal_create(int folder, const char *place, struct journal_part part,
                    const struct journal_sizes *sizes, struct journal **out, struct abl_err *err)
{
    struct journal *j = journal_new(place, sizes);
    if (!j)
        return abl_no_memory(err);
    if (!open_files(j, folder, part, O_CREAT | O_EXCL, err)) {
        journal_close(j);
        return false;
    }
    start_thread(j);
    *out = j;
    return true;
}

// A line that was not written to its end goes.
static bool cut_line(struct journal *j)
{
    struct stat st;
    char c;
    if (fstat(j->lines, &st) != 0)
        return false;
    off_t end = st.st_size;
    while (end && pread(j->lines, &c, 1, end - 1) == 1 && c != '\n')
        end--;
    return end == st.st_size || ftruncate(j->lines, end) == 0;
}

static bool cut_torn(struct journal *j, struct abl_err *err)
{
    uint64_t size;
    return journal_read_open(j->bin, j->place, j->bin_name, &j->sizes, NULL, NULL, &size, &j->end,
                             err)
           && ((cut_line(j) && (size == j->end || ftruncate(j->bin, (off_t)j->end) == 0))
               || abl_fail(err, ABL_FAILED, "cannot write '%s/%s': %s", j->place, j->bin_name,
                           strerror(errno)));
}

bool journal_reopen(int folder, const char *place, struct journal_part part,
                    const struct journal_sizes *sizes, struct journal **out, struct abl_err *err)
{
    struct journal *j = journal_new(place, sizes);
    if (!j)
        return abl_no_memory(err);
    if (!open_files(j, folder, part, 0, err) || !cut_torn(j, err)) {
        journal_close(j);
        return false;
    }
    start_thread(j);
    *out = j;
    return true;
}

bool journal_records(const struct journal *j, journal_see *see, void *context, struct abl_err *err)
{
    uint64_t size, end;
    return journal_read_open(j->bin, j->place, j->bin_name, &j->sizes, see, context, &size, &end,
                             err);
}
