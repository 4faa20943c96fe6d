// What a run has finished, on disk while it goes, so that whatever ends the process costs the batch
// that was under way and no other. docs/journal.md describes the files.
//
// journal.jsonl holds lines of JSON: the first says what work it is, others who worked at it.
// journal.bin holds a record for each batch that was read out: which cells, their read-outs to the
// bit, and a checksum. Both only grow; what stands behind the last whole record is dropped.
#ifndef ABL_SESSION_JOURNAL_H
#define ABL_SESSION_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "session/journal_records.h"

struct journal;

// Make both files in an open folder, or open those that are there and drop what is torn; place
// names the folder for messages. The files stay locked until journal_close: ABL_USAGE where another
// process holds them.
bool journal_create(int folder, const char *place, struct journal_part part,
                    const struct journal_sizes *sizes, struct journal **out, struct abl_err *err);
bool journal_reopen(int folder, const char *place, struct journal_part part,
                    const struct journal_sizes *sizes, struct journal **out, struct abl_err *err);
void journal_close(struct journal *j); // NULL is nothing

// Append a line of JSON without its line end, and have it on disk.
bool journal_add_line(struct journal *j, const struct buf *line, struct abl_err *err);

// Append what is there of rows: [variant * n_run + prompt]. What cannot be written is told by
// journal_holds from then on.
void journal_add_cells(struct journal *j, const struct row_stats *rows, size_t first, size_t n_rows,
                       const size_t *variants, size_t n);
// Whole variants with tinyLab's measures, [variant * n_rows + row]. j may be NULL.
void journal_add_variants(struct journal *j, const struct row_stats *rows,
                          const struct tinylab_row *tinylab, const size_t *variants, size_t n);
// The intact run's rows (n_rows), or those of the other prompts.
enum journal_run { JOURNAL_INTACT, JOURNAL_OTHER };
void journal_add_run(struct journal *j, enum journal_run which, const struct row_stats *rows);

// Whether everything that was added has been written.
bool journal_holds(struct journal *j, struct abl_err *err);
// Have it on disk now; it is anyway within a second.
bool journal_sync(struct journal *j, struct abl_err *err);
// For a signal handler: the descriptor to sync.
int journal_descriptor(const struct journal *j);

// journal_read of one that is open.
bool journal_records(const struct journal *j, journal_see *see, void *context, struct abl_err *err);

#endif
