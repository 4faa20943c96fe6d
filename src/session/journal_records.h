// The files of a journal as they stand on disk: their names, what a record holds, and the reading
// of records that are whole. session/journal.h writes them, docs/journal.md describes them.
#ifndef ABL_SESSION_JOURNAL_RECORDS_H
#define ABL_SESSION_JOURNAL_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/values.h"

struct tinylab_row;

// Which shard's it is; n = 0: the run is whole.
struct journal_part {
    uint32_t i, n; // i from 1 to n
};

enum { JOURNAL_NAME = 48 };
// "journal.jsonl", "journal.2-8.bin"
void journal_name(struct journal_part part, const char *ending, char out[JOURNAL_NAME]);
// Whether it is such a name, and of which part; ending: "jsonl" or "bin", NULL: either.
bool journal_is_name(const char *name, const char *ending, struct journal_part *out);

// Of the run: variants, prompts that are run, rows that these are for.
struct journal_sizes {
    size_t n_variants, n_run, n_rows;
};

// What a record says. Borrowed while it is seen.
enum journal_kind { RECORD_CELLS, RECORD_VARIANTS, RECORD_INTACT, RECORD_OTHER, N_RECORD_KINDS };
struct journal_record {
    enum journal_kind kind;
    size_t first, n_rows, n_variants;
    const uint32_t *variants;
    const struct row_stats *rows;      // (n_variants, n_rows)
    const struct tinylab_row *tinylab; // (n_variants, sizes' n_rows); RECORD_VARIANTS alone
};
typedef bool journal_see(void *context, const struct journal_record *r, struct abl_err *err);

// Every whole record of a file in a folder, in order; *torn (may be NULL): bytes behind the last.
bool journal_read(int folder, const char *place, struct journal_part part,
                  const struct journal_sizes *sizes, journal_see *see, void *context,
                  uint64_t *torn, struct abl_err *err);

// The same of a file that is open from its start; *size: its bytes, *end: behind the last record.
bool journal_read_open(int fd, const char *place, const char *name,
                       const struct journal_sizes *sizes, journal_see *see, void *context,
                       uint64_t *size, uint64_t *end, struct abl_err *err);

// What stands before a record's payload: the checksum is of what follows it, and of the payload.
// Numbers are in the machine's byte order, so that a file of another order has no record.
enum { JOURNAL_MAGIC = 0x314a4241 }; // "ABJ1"
struct journal_head {
    uint32_t magic, crc;
    uint32_t kind, n_variants;
    uint64_t first, n_rows;
};

// Bytes behind a head; UINT64_MAX where there are more than can be.
uint64_t journal_payload(const struct journal_sizes *s, const struct journal_head *h);

#endif
