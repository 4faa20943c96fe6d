// What the files of a stream share, and nobody else includes: stream.c (a stream's life),
// stream_lists.c (its index lists), stream_layer.c (the steps of a layer), stream_sites.c (who
// takes or changes what a step computed) and stream_head_change.c (z edits behind W_O).
#ifndef ABL_FORWARD_STREAM_PARTS_H
#define ABL_FORWARD_STREAM_PARTS_H

#include "forward/stream.h"

// Make the index lists of s for s->max_copies copies of s->rows: who sees whom,
// where read-outs are, which clean rows its copies begin as.
bool stream_lists_make(struct stream *s, struct abl_err *err);

// Make anew those of a lasting stream's next token, behind n_before others of each copy.
bool stream_lists_next(struct stream *s, uint32_t n_before, struct abl_err *err);

// Rows of one copy in the present row space.
uint32_t stream_copy_rows(const struct stream *s);

// The first `count` entries of a list.
struct index stream_first(struct index list, uint32_t count);

// The clean stream's row that each row of so many copies begins as.
struct index stream_repeat(const struct stream *s, uint32_t copies);

// Keep only the read-out rows of x.
bool stream_narrow(struct stream *s, struct abl_err *err);

// Whom rows attend to in a layer: read-outs or all of them.
struct contexts stream_contexts_of(const struct stream *s, uint32_t layer, bool reads,
                                   uint32_t n_queries);

// Whether some copy changes this activation, and whether somebody takes it before it goes on.
bool stream_edits(const struct stream *s, uint32_t layer, enum site site);
bool stream_is_wanted(const struct stream *s, uint32_t layer, enum site site);

// An activation has been computed: keep it for donors if it is asked for, show it, and edit it.
bool stream_at_site(struct stream *s, uint32_t layer, enum site site, struct tensor t,
                    struct abl_err *err);

// The pattern, beside the whole of attention, which has filled z_now: only where somebody takes it,
// and for variants that edit it.
bool stream_at_pattern(struct stream *s, uint32_t layer, const struct attend_args *args,
                       struct abl_err *err);

// z edits of a layer that `from` has projected without them: x moves by what they change of z,
// through W_O.
bool stream_project_change(struct stream *s, const struct stream *from, uint32_t layer,
                           struct abl_err *err);

#endif
