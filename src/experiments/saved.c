#include "experiments/saved.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "experiments/chosen.h"
#include "forward/observe.h"
#include "plan/head_syntax.h"
#include "plan/prompt_trie.h"

static const uint64_t default_limit = UINT64_C(1) << 30;

const char *saved_positions(const struct settings *s)
{
    return s->positions ? s->positions : "last";
}

// -------------------------------------------------------------------------------------- what it is

static bool list_layers(const struct session *session, struct arena *a, struct saved *out,
                        struct abl_err *err)
{
    const struct settings *s = &session->settings;
    const struct model_shape *shape = &session->model->shape;
    bool *keep = arena_alloc(a, shape->n_layers, sizeof *keep);
    out->layers = arena_alloc(a, shape->n_layers, sizeof *out->layers);
    if (!keep || !out->layers)
        return abl_no_memory(err);
    if (!layers_parse(s->layers ? s->layers : "all", shape, keep, err))
        return false;
    for (uint32_t layer = 0; layer < shape->n_layers; layer++)
        if (keep[layer])
            out->layers[out->n_layers++] = layer;
    return true;
}

// Every token that the positions name, of every row.
static bool list_tokens(const struct session *session, struct arena *a, struct saved *out,
                        struct abl_err *err)
{
    const struct prompts *p = session->prompts;
    size_t n = 0;
    for (size_t row = 0; row < p->n; row++)
        for (size_t k = 0; k < out->n_positions; k++)
            n += position_count(out->positions[k].at, &p->items[row]);
    out->tokens = arena_alloc(a, n, sizeof *out->tokens);
    if (!out->tokens)
        return abl_no_memory(err);
    out->last_only = true;
    for (size_t row = 0; row < p->n; row++) {
        const struct prompt *of = &p->items[row];
        out->n_keys = of->n_ids > out->n_keys ? of->n_ids : out->n_keys;
        for (uint32_t k = 0; k < out->n_positions; k++) {
            int32_t at = out->positions[k].at;
            for (uint32_t i = position_count(at, of); i-- > 0;) {
                uint32_t token = position_token(at, of, i);
                out->tokens[out->n_tokens++] = (struct saved_token){ (uint32_t)row, token, k };
                out->last_only = out->last_only && token + 1 == of->n_ids;
            }
        }
    }
    return n
           || abl_fail(err, ABL_BAD_DATA, "--save at --positions %s: no row has such a token",
                       saved_positions(&session->settings));
}

static void shape_site(const struct model_shape *shape, enum site site, struct saved *out)
{
    struct saved_site *s = &out->sites[out->n_sites++];
    size_t heads = site_heads(shape, site);
    *s = (struct saved_site){ .site = site };
    s->dims[s->n_dims++] = out->n_layers;
    s->dims[s->n_dims++] = out->n_tokens;
    if (heads)
        s->dims[s->n_dims++] = heads;
    s->dims[s->n_dims++] = site == SITE_PATTERN ? out->n_keys
                           : heads              ? site_head_cols(shape, site)
                                                : site_cols(shape, site);
    uint64_t bytes = sizeof(float);
    for (size_t i = 0; i < s->n_dims; i++)
        bytes = count_mul(bytes, s->dims[i]);
    out->bytes = count_add(out->bytes, bytes);
}

static bool check_size(const struct session *session, const struct saved *saved,
                       struct abl_err *err)
{
    const struct settings *s = &session->settings;
    uint64_t limit = s->mem ? s->mem : default_limit;
    static const double mib = 1 << 20;
    if (saved->bytes == COUNT_TOO_BIG || saved->bytes > SIZE_MAX / 2)
        return abl_fail(err, ABL_USAGE, "--save: more bytes than there can be");
    return saved->bytes <= limit || s->yes
           || abl_fail(err, ABL_USAGE,
                       "--save would write %.1f MiB of %zu tokens in %zu layers, more than %.1f "
                       "MiB: name fewer sites, --positions, --layers or --rows, or say --yes",
                       (double)saved->bytes / mib, saved->n_tokens, saved->n_layers,
                       (double)limit / mib);
}

bool saved_list(const struct session *session, struct arena *a, struct saved **out,
                struct abl_err *err)
{
    const struct settings *s = &session->settings;
    *out = NULL;
    if (!s->save)
        return true;
    struct saved *saved = arena_alloc(a, 1, sizeof *saved);
    struct position *positions;
    if (!saved)
        return abl_no_memory(err);
    if (!chosen_positions_of(session, saved_positions(s), false, a, &positions, &saved->n_positions,
                             err)
        || !list_layers(session, a, saved, err))
        return false;
    saved->positions = positions;
    if (!list_tokens(session, a, saved, err))
        return false;
    for (enum site site = 0; site < N_SITES; site++)
        if (s->save & 1u << site)
            shape_site(&session->model->shape, site, saved);
    *out = saved;
    return check_size(session, saved, err);
}

bool saved_size(const struct session *session, uint64_t *out, struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct saved *saved;
    bool ok = saved_list(session, &scratch, &saved, err);
    *out = ok && saved ? saved->bytes : 0;
    arena_release(&scratch);
    return ok;
}

bool saved_observe(const struct session *session, struct observations *out, struct abl_err *err)
{
    struct saved *saved;
    const struct prompts *p = session->prompts;
    if (!saved_list(session, &out->arena, &saved, err))
        return false;
    return !saved
           || observations_add(out,
                               (struct observation){
                                   .prompts = p->items, .n = p->n, .every_row = !saved->last_only },
                               err);
}

// ------------------------------------------------------------------------------------------ values

struct collector {
    struct saved *saved;
    const size_t *first; // (rows + 1) where a row's tokens begin
    const struct prompts *prompts;
};

// Which of what is saved; SIZE_MAX: it is not.
static size_t layer_number(const struct saved *saved, uint32_t layer)
{
    for (size_t i = 0; i < saved->n_layers; i++)
        if (saved->layers[i] == layer)
            return i;
    return SIZE_MAX;
}

// The weights of one query by head and key, from the prompt's start.
static void copy_weights(const struct observed *o, uint32_t row, uint32_t position, uint32_t n_keys,
                         float *out)
{
    for (uint32_t head = 0; head < o->n_cols; head++)
        for (uint32_t key = 0; key <= position; key++)
            out[(size_t)head * n_keys + key] = observed_weight(o, row, position - key, head);
}

static void copy_prompt(const struct collector *c, const struct observed *o,
                        const struct saved_site *site, uint32_t prompt, float *layer)
{
    size_t row = o->first_prompt + prompt, each = 1;
    for (size_t i = 2; i < site->n_dims; i++)
        each *= site->dims[i];
    for (size_t i = c->first[row]; i < c->first[row + 1]; i++) {
        uint32_t position = c->saved->tokens[i].position;
        uint32_t from
            = c->saved->last_only
                  ? o->trie->read_of[prompt]
                  : trie_node(o->trie, prompt, c->prompts->items[row].n_ids - 1 - position);
        if (o->site == SITE_PATTERN)
            copy_weights(o, from, position, c->saved->n_keys, layer + i * each);
        else
            memcpy(layer + i * each, o->values + (size_t)from * o->n_cols, each * sizeof *layer);
    }
}

static bool collect(void *context, const struct observed *o, struct abl_err *err)
{
    (void)err;
    const struct collector *c = context;
    size_t at = layer_number(c->saved, o->layer);
    for (size_t k = 0; at != SIZE_MAX && k < c->saved->n_sites; k++) {
        const struct saved_site *site = &c->saved->sites[k];
        size_t stride = 1;
        for (size_t i = 1; i < site->n_dims; i++)
            stride *= site->dims[i];
        for (uint32_t p = 0; site->site == o->site && p < o->trie->n_prompts; p++)
            copy_prompt(c, o, site, p, site->values + at * stride);
    }
    return true;
}

static bool make_room(struct saved *saved, struct arena *a, struct abl_err *err)
{
    for (size_t k = 0; k < saved->n_sites; k++) {
        struct saved_site *site = &saved->sites[k];
        size_t n = 1;
        for (size_t i = 0; i < site->n_dims; i++)
            n *= site->dims[i]; // which fits: saved_list
        site->values = arena_alloc(a, n, sizeof *site->values);
        if (!site->values)
            return abl_no_memory(err);
    }
    return true;
}

bool saved_read(struct session *session, struct saved *saved, atomic_bool *cancel, struct arena *a,
                struct abl_err *err)
{
    const struct prompts *p = session->prompts;
    size_t *first = arena_alloc(a, p->n + 1, sizeof *first);
    if (!first)
        return abl_no_memory(err);
    for (size_t i = 0; i < saved->n_tokens; i++)
        first[saved->tokens[i].row + 1]++;
    for (size_t row = 0; row < p->n; row++)
        first[row + 1] += first[row];
    struct collector c = { saved, first, p };
    struct observer o = { .sites = session->settings.save,
                          .every_row = !saved->last_only,
                          .on_activation = collect,
                          .context = &c,
                          .cancel = cancel };
    return make_room(saved, a, err) && session_observe(session, &o, err);
}
