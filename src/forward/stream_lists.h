// Index lists of a stream: who sees whom, where read-outs are, which clean rows its copies begin
// as.
#ifndef ABL_FORWARD_STREAM_LISTS_H
#define ABL_FORWARD_STREAM_LISTS_H

#include <stdbool.h>

#include "base/err.h"
#include "forward/stream.h"

// Make the lists of s for s->max_copies copies of s->rows.
bool stream_lists_make(struct stream *s, struct abl_err *err);

#endif
