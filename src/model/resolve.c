#include "model/model_parts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "model/missing.h"

enum { NAME_SIZE = 192, COMPARED_BYTES = 1 << 20 };

struct resolver {
    struct model *m;
    const struct arch_tensors *names;
    const char *prefix; // before every tensor name in these files
    const char *wrap;   // and before that, and before the unembedding's: see unwrap
    enum owner like;
    uint64_t n_params[DTYPE_OTHER]; // found so far, by element type
    struct abl_err *err;
};

// Logical (k, n) of a matrix: y = x·W.
static void matrix_size(const struct model_shape *s, enum model_matrix which, uint32_t *k,
                        uint32_t *n)
{
    uint32_t z_cols = s->n_heads * s->d_head;
    switch (which) {
    case MATRIX_QKV:
        *k = s->d_model, *n = (s->n_heads + 2 * s->n_kv_heads) * s->d_head;
        return;
    case MATRIX_OUT:
        *k = z_cols, *n = s->d_model;
        return;
    case MATRIX_MLP_GATE:
    case MATRIX_MLP_IN:
        *k = s->d_model, *n = s->d_mlp;
        return;
    case MATRIX_MLP_OUT:
        *k = s->d_mlp, *n = s->d_model;
        return;
    case MATRIX_UNEMBED:
        *k = s->d_model, *n = s->n_vocab;
        return;
    }
    assert(false && "known matrix");
}

// A tensor's shape as the model must have it: (rows, cols), or (cols) where rows is 0.
struct extent {
    uint64_t rows, cols;
};

static bool fits(const struct tensor_entry *t, struct extent e)
{
    if (!e.rows)
        return t->n_dims == 1 && t->dims[0] == e.cols;
    return t->n_dims == 2 && t->dims[0] == e.rows && t->dims[1] == e.cols;
}

// Where the shape of the model comes from.
static const char *counts_by(const struct resolver *r)
{
    return r->m->files->checkpoint->is_gguf ? "the file's metadata" : "config.json";
}

static bool bad_extent(const struct resolver *r, const struct tensor_ref *ref, struct extent e)
{
    const struct tensor_entry *t = ref->entry;
    struct buf found = { 0 };
    char expected[48];
    for (uint32_t i = 0; i < t->n_dims; i++)
        buf_printf(&found, "%s%" PRIu64, i ? ", " : "", t->dims[i]);
    if (e.rows)
        snprintf(expected, sizeof expected, "%" PRIu64 ", %" PRIu64, e.rows, e.cols);
    else
        snprintf(expected, sizeof expected, "%" PRIu64, e.cols);
    abl_fail(r->err, ABL_BAD_MODEL,
             "bad shape of tensor '%s' in '%s': found (%s), expected (%s) by %s; the files "
             "do not belong together, download them again",
             t->name, ref->file->file.path, found.data ? found.data : "", expected, counts_by(r));
    buf_release(&found);
    return false;
}

static bool lacks(const struct resolver *r, const char *name)
{
    return missing_tensor(r->m, r->names, r->prefix, name, r->err);
}

// Find a tensor by its whole name and check it.
static bool need_named(struct resolver *r, const char *name, struct extent e,
                       struct tensor_ref *out)
{
    *out = checkpoint_find(r->m->files->checkpoint, name);
    const struct tensor_entry *t = out->entry;
    if (!t)
        return lacks(r, name);
    if (!fits(t, e))
        return bad_extent(r, out, e);
    // Vectors are read by single elements where their rows are reordered; nobody quantises them.
    if (t->type->dtype == DTYPE_OTHER || (!e.rows && t->type->block > 1))
        return abl_fail(r->err, ABL_BAD_MODEL,
                        "type of tensor '%s' in '%s' is not supported: found %s, expected %s",
                        t->name, out->file->file.path, t->type->name,
                        e.rows ? dtype_readable : "F32, F16 or BF16 for a vector");
    r->n_params[t->type->dtype] += (e.rows ? e.rows : 1) * e.cols;
    return true;
}

static bool need(struct resolver *r, const char *pattern, struct extent e, struct tensor_ref *out)
{
    char name[NAME_SIZE];
    arch_tensor_name(r->prefix, pattern, 0, 0, name, sizeof name);
    return need_named(r, name, e, out);
}

// How many rows of q | k | v are part 0, 1 or 2, where they are tensors of their own.
static uint32_t part_rows(const struct model_shape *s, uint32_t part)
{
    return (part ? s->n_kv_heads : s->n_heads) * s->d_head;
}

// The one tensor that a pattern names, or one for each of its parts. t has its rows and columns;
// is_vector: the tensors have one dimension.
static bool need_parts(struct resolver *r, const char *pattern, uint32_t layer, bool is_vector,
                       struct model_tensor *t)
{
    const struct model_shape *s = &r->m->shape;
    char name[NAME_SIZE];
    bool several = arch_tensor_name(r->prefix, pattern, layer, 1, name, sizeof name);
    t->n_heads = s->n_heads;
    t->n_kv_heads = s->n_kv_heads;
    t->d_head = s->d_head;
    t->n_turned = shape_rope(s, layer)->n_dims;
    for (; arch_tensor_name(r->prefix, pattern, layer, t->n_parts, name, sizeof name);
         t->n_parts++) {
        assert(t->n_parts < MAX_PARTS);
        uint32_t rows = several ? part_rows(s, t->n_parts) : t->all_rows ? t->all_rows : t->rows;
        struct extent e = is_vector ? (struct extent){ 0, rows } : (struct extent){ rows, t->cols };
        if (!need_named(r, name, e, &t->parts[t->n_parts]))
            return false;
        if (t->first_row || t->is_again) // counted with the rows before them
            r->n_params[t->parts[t->n_parts].entry->type->dtype] -= e.rows * e.cols;
    }
    return true;
}

static bool need_matrix(struct resolver *r, enum model_matrix which, uint32_t layer)
{
    const struct model_shape *s = &r->m->shape;
    struct model_tensor *t = &r->m->files->matrices[layer * N_MATRICES + which];
    uint32_t k, n;
    if (which == MATRIX_MLP_GATE && !s->gated)
        return true;
    matrix_size(s, which, &k, &n);
    t->out_in = !r->names->in_out;
    t->rows = t->out_in ? n : k;
    t->cols = t->out_in ? k : n;
    t->order = which == MATRIX_QKV ? r->names->qkv_order : ROWS_PLAIN;
    t->times = which == MATRIX_OUT || which == MATRIX_MLP_OUT ? s->residual_scale : 1;
    if (r->names->gate_up && (which == MATRIX_MLP_GATE || which == MATRIX_MLP_IN)) {
        t->all_rows = 2 * t->rows;
        t->first_row = which == MATRIX_MLP_IN ? t->rows : 0;
    }
    return need_parts(r, r->names->matrices[which], layer, false, t);
}

static bool is_gain(enum model_vector which)
{
    switch (which) {
    case VECTOR_LN1_GAIN:
    case VECTOR_LN2_GAIN:
    case VECTOR_POST_ATTN_GAIN:
    case VECTOR_POST_MLP_GAIN:
    case VECTOR_Q_NORM:
    case VECTOR_K_NORM:
    case VECTOR_FINAL_GAIN:
        return true;
    default:
        return false;
    }
}

static float vector_times(const struct model_shape *s, enum model_vector which)
{
    if (which == VECTOR_OUT_BIAS || which == VECTOR_MLP_OUT_BIAS)
        return s->residual_scale;
    return which == VECTOR_FINAL_GAIN || which == VECTOR_FINAL_BIAS ? s->logit_scale : 1;
}

// The name of a vector; where the MLP reads the norm of attention, that one's. *again says so.
static const char *vector_name(const struct resolver *r, enum model_vector which, bool *again)
{
    *again = r->names->one_norm && r->m->shape.parallel
             && (which == VECTOR_LN2_GAIN || which == VECTOR_LN2_BIAS);
    return r->names->vectors[!*again                    ? which
                             : which == VECTOR_LN2_GAIN ? VECTOR_LN1_GAIN
                                                        : VECTOR_LN1_BIAS];
}

static bool need_vector(struct resolver *r, enum model_vector which, uint32_t layer)
{
    const char *name;
    struct model_tensor *t = &r->m->files->vectors[layer * N_VECTORS + which];
    t->rows = model_vector_len(&r->m->shape, which);
    t->cols = 1;
    t->out_in = true;
    t->order = which == VECTOR_QKV_BIAS ? r->names->qkv_order : ROWS_PLAIN;
    t->plus_one = r->names->gains_less_one && is_gain(which);
    t->times = vector_times(&r->m->shape, which);
    name = vector_name(r, which, &t->is_again);
    if (!name && is_gain(which))
        return true;
    return !t->rows || need_parts(r, name, layer, true, t);
}

static bool need_layer(struct resolver *r, uint32_t layer)
{
    for (int i = 0; i < MATRIX_UNEMBED; i++)
        if (!need_matrix(r, (enum model_matrix)i, layer))
            return false;
    for (int i = 0; i < VECTOR_FINAL_GAIN; i++)
        if (!need_vector(r, (enum model_vector)i, layer))
            return false;
    return true;
}

static bool need_embeddings(struct resolver *r)
{
    const struct model_shape *s = &r->m->shape;
    struct model_files *f = r->m->files;
    const char *positions = r->names->position_embed;
    f->first_position = r->names->first_position;
    return need(r, r->names->embed, (struct extent){ s->n_vocab, s->d_model }, &f->embed)
           && (!positions
               || need(r, positions, (struct extent){ s->n_ctx + f->first_position, s->d_model },
                       &f->position_embed));
}

// Divisors of the rotary frequencies, one a pair, which GGUF files hold instead of
// LLaMA 3's scaling and of longrope's short factors.
static bool find_rope_divisors(struct resolver *r)
{
    struct model *m = r->m;
    const char *name = checkpoint_find(m->files->checkpoint, "rope_factors_short.weight").entry
                           ? "rope_factors_short.weight"
                           : "rope_freqs.weight";
    struct tensor_ref t = checkpoint_find(m->files->checkpoint, name);
    if (!m->files->checkpoint->is_gguf || !t.entry || !m->shape.rope.n_dims)
        return true;
    return need_named(r, name, (struct extent){ 0, m->shape.rope.n_dims / 2 },
                      &m->files->rope_divisors);
}

// Whether the two tensors of one size hold the same values; *same says. A block of rows at a time.
static bool equal_values(const struct tensor_ref *a, const struct tensor_ref *b, struct extent e,
                         bool *same, struct abl_err *err)
{
    uint64_t step = COMPARED_BYTES / sizeof(float) / e.cols + 1;
    float *x = malloc(step * e.cols * sizeof *x), *y = malloc(step * e.cols * sizeof *y);
    bool ok = (x && y) || abl_no_memory(err);
    *same = true;
    for (uint64_t i = 0; ok && *same && i < e.rows; i += step) {
        uint64_t n = (e.rows - i < step ? e.rows - i : step) * e.cols;
        ok = tensor_file_read(a->file, a->entry, i * e.cols, n, x, err)
             && tensor_file_read(b->file, b->entry, i * e.cols, n, y, err);
        *same = ok && memcmp(x, y, n * sizeof *x) == 0;
    }
    free(x);
    free(y);
    return ok;
}

// An unembedding beside one that is tied: version 5 takes it where its values are others than the
// embedding's, version 4 does not look at it.
static bool choose_unembed(struct resolver *r, struct tensor_ref copy, struct extent e)
{
    static const char file[] = "the file's own", tied[] = "the embedding";
    struct model *m = r->m;
    char name[NAME_SIZE + 32];
    bool same, is_v5 = r->like == OWNER_TRANSFORMERS_5;
    if (!equal_values(&m->files->embed, &copy, e, &same, r->err))
        return false;
    if (same)
        return true;
    m->shape.tied = !is_v5;
    if (is_v5)
        r->n_params[copy.entry->type->dtype] += e.rows * e.cols;
    if (is_v5)
        m->files->matrices[MATRIX_UNEMBED].parts[0] = copy;
    snprintf(name, sizeof name, "tied unembedding beside '%s' of other values", copy.entry->name);
    return owner_note_differs(&m->notes, r->like, name, is_v5 ? file : tied, is_v5 ? tied : file,
                              r->err);
}

// W_U: where config.json ties it, W_E; a tensor of its own otherwise.
static bool need_unembed(struct resolver *r)
{
    const struct model_shape *s = &r->m->shape;
    struct model_files *f = r->m->files;
    struct model_tensor *t = &f->matrices[MATRIX_UNEMBED];
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%s%s", r->wrap, r->names->unembed);
    *t = (struct model_tensor){ .parts = { f->embed },
                                .n_parts = 1,
                                .rows = s->n_vocab,
                                .cols = s->d_model,
                                .out_in = true,
                                .times = 1 };
    struct extent e = { s->n_vocab, s->d_model };
    if (!s->tied)
        return need_named(r, name, e, &t->parts[0]);
    struct tensor_ref copy = checkpoint_find(f->checkpoint, name);
    if (!copy.entry)
        return true;
    if (!fits(copy.entry, e))
        return bad_extent(r, &copy, e);
    return copy.entry->type->dtype == DTYPE_OTHER || f->embed.entry->type->dtype == DTYPE_OTHER
           || choose_unembed(r, copy, e);
}

// b_U, which lies beside W_U.
static bool need_unembed_bias(struct resolver *r)
{
    struct model_tensor *t = &r->m->files->vectors[VECTOR_UNEMBED_BIAS];
    const char *last = strrchr(r->names->unembed, '.');
    char name[NAME_SIZE];
    t->rows = model_vector_len(&r->m->shape, VECTOR_UNEMBED_BIAS);
    t->cols = t->n_parts = t->rows > 0;
    t->times = 1;
    snprintf(name, sizeof name, "%s%.*s.bias", r->wrap, (int)(last - r->names->unembed),
             r->names->unembed);
    return !t->rows || need_named(r, name, (struct extent){ 0, t->rows }, &t->parts[0]);
}

// What compiling a model or spreading it over devices puts before its names.
static bool is_wrapping(const char *text, size_t len)
{
    static const char *const words[] = { "_orig_mod.", "module.", "_fsdp_wrapped_module." };
    while (len) {
        size_t i = 0, n = sizeof words / sizeof *words;
        while (i < n && (strlen(words[i]) > len || strncmp(text, words[i], strlen(words[i])) != 0))
            i++;
        if (i == n)
            return false;
        text += strlen(words[i]);
        len -= strlen(words[i]);
    }
    return true;
}

// Take a tensor for the embedding under a prefix, with such words before it. *found says.
static bool unwrap(struct resolver *r, const char *name, const char *prefix, bool *found)
{
    char plain[NAME_SIZE];
    arch_tensor_name(prefix, r->names->embed, 0, 0, plain, sizeof plain);
    size_t len = strlen(name), tail = strlen(plain);
    *found = len > tail && strcmp(name + len - tail, plain) == 0 && is_wrapping(name, len - tail);
    if (!*found)
        return true;
    r->wrap = arena_strndup(&r->m->arena, name, len - tail);
    r->prefix = r->wrap ? arena_printf(&r->m->arena, "%s%s", r->wrap, prefix) : NULL;
    if (!r->prefix)
        return abl_no_memory(r->err);
    return owner_note(&r->m->notes, r->err,
                      "the tensors' names begin with '%s': they were saved from a compiled or "
                      "wrapped model, and are read without it",
                      r->wrap);
}

// The first prefix under which the embedding lies.
static bool find_prefix(struct resolver *r)
{
    char name[NAME_SIZE];
    const struct checkpoint *c = r->m->files->checkpoint;
    bool found = false;
    for (size_t i = 0; r->names->prefixes[i]; i++) {
        arch_tensor_name(r->names->prefixes[i], r->names->embed, 0, 0, name, sizeof name);
        if (checkpoint_find(c, name).entry) {
            r->prefix = r->names->prefixes[i];
            return true;
        }
    }
    for (size_t i = 0; !found && r->names->prefixes[i]; i++)
        for (size_t t = 0; !found && t < c->n_tensors; t++)
            if (!unwrap(r, c->tensors[t].entry->name, r->names->prefixes[i], &found))
                return false;
    return found || lacks(r, r->names->embed);
}

// A weight of a layer that config.json does not count. Other tensors that no row of the table names
// are buffers (GPT-2's attention masks) or heads for other tasks, and are left alone.
static bool check_no_more_layers(const struct resolver *r)
{
    const struct checkpoint *c = r->m->files->checkpoint;
    uint32_t most = r->m->shape.n_layers, n = missing_count_layers(c, r->names, r->prefix);
    size_t skip = strlen(r->prefix);
    for (size_t i = 0; n > most && i < c->n_tensors; i++) {
        const char *name = c->tensors[i].entry->name;
        uint32_t layer;
        if (strncmp(name, r->prefix, skip) == 0 && arch_layer_of(r->names, name + skip, &layer)
            && layer >= most)
            return abl_fail(r->err, ABL_BAD_MODEL,
                            "too many layers in '%s': found tensor '%s', expected %" PRIu32
                            " layers by %s; to run all %" PRIu32
                            " set the number there, to run fewer leave the rest out of the weights",
                            r->m->path, name, most, counts_by(r), n);
    }
    return true;
}

static void count_weights(const struct resolver *r)
{
    struct model *m = r->m;
    const struct checkpoint *c = m->files->checkpoint;
    int most = 0;
    for (int i = 0; i < DTYPE_OTHER; i++) {
        m->n_params += r->n_params[i];
        most = r->n_params[i] > r->n_params[most] ? i : most;
    }
    m->dtype = dtype_name((enum dtype)most);
    for (size_t i = 0; i < c->n_files; i++)
        m->weight_bytes += c->files[i].file.size;
}

bool model_resolve(struct model *m, const struct arch_tensors *names, enum owner like,
                   struct abl_err *err)
{
    struct resolver r
        = { .m = m, .names = names, .prefix = "", .wrap = "", .like = like, .err = err };
    struct model_files *f = m->files;
    uint32_t n_layers = m->shape.n_layers;
    f->matrices = arena_alloc(&m->arena, (size_t)n_layers * N_MATRICES, sizeof *f->matrices);
    f->vectors = arena_alloc(&m->arena, (size_t)n_layers * N_VECTORS, sizeof *f->vectors);
    if (!f->matrices || !f->vectors)
        return abl_no_memory(err);
    if (!find_prefix(&r) || !need_embeddings(&r))
        return false;
    for (uint32_t i = 0; i < n_layers; i++)
        if (!need_layer(&r, i))
            return false;
    if (!need_vector(&r, VECTOR_FINAL_GAIN, 0) || !need_vector(&r, VECTOR_FINAL_BIAS, 0)
        || !need_vector(&r, VECTOR_EMBED_GAIN, 0) || !need_vector(&r, VECTOR_EMBED_BIAS, 0)
        || !need_unembed(&r) || !need_unembed_bias(&r) || !find_rope_divisors(&r)
        || !check_no_more_layers(&r))
        return false;
    count_weights(&r);
    return true;
}
