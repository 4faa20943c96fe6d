// Activations of the intact run that --save asks for: of every layer that --layers leaves, at
// --positions of each row.
#ifndef ABL_EXPERIMENTS_SAVED_H
#define ABL_EXPERIMENTS_SAVED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "plan/observations.h"
#include "plan/position.h"
#include "session/session.h"

enum { SAVED_DIMS = 4 };

struct saved_site {
    enum site site;
    size_t dims[SAVED_DIMS], n_dims; // layers, tokens, heads where it has some, and what is inside
    float *values;                   // NULL until they are read
};

struct saved_token {
    uint32_t row, position; // number of the prompt; of its token, from its start, BOS counted
    uint32_t asked;         // which of positions it is
};

// Tokens are row by row, within a row in the order of positions, within one in that of the prompt.
struct saved {
    struct saved_site sites[N_SITES];
    size_t n_sites;
    uint32_t *layers;
    size_t n_layers;
    const struct position *positions;
    size_t n_positions;
    struct saved_token *tokens;
    size_t n_tokens;
    uint32_t n_keys; // of a pattern: tokens of the longest prompt; 0 behind the query
    uint64_t bytes;  // of all values
    bool last_only;  // no token but rows' last
};

// "last" where nothing is said.
const char *saved_positions(const struct settings *s);

// What a run is going to save, without values; NULL in *out where it saves nothing. In the arena.
// ABL_USAGE where that is more than --mem allows (1 GiB where it is not given) and --yes is not
// said.
bool saved_list(const struct session *session, struct arena *a, struct saved **out,
                struct abl_err *err);

// The same for a plan.
bool saved_observe(const struct session *session, struct observations *out, struct abl_err *err);

// Only how many bytes that is; what is refused is refused.
bool saved_size(const struct session *session, uint64_t *out, struct abl_err *err);

// Read the values, into the arena. ABL_INTERRUPTED when cancelled (NULL = never).
bool saved_read(struct session *session, struct saved *saved, atomic_bool *cancel, struct arena *a,
                struct abl_err *err);

#endif
