#include "model/model.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/name_text.h"
#include "model/config.h"
#include "model/config_gguf.h"
#include "model/gguf_tokenizer.h"
#include "model/model_parts.h"
#include "model/rope.h"

uint32_t model_vector_len(const struct model_shape *s, enum model_vector which)
{
    switch (which) {
    case VECTOR_LN1_GAIN:
    case VECTOR_LN2_GAIN:
        return norms_before(s) ? s->d_model : 0;
    case VECTOR_LN1_BIAS:
    case VECTOR_LN2_BIAS:
        return s->norm_bias && norms_before(s) ? s->d_model : 0;
    case VECTOR_POST_ATTN_GAIN:
    case VECTOR_POST_MLP_GAIN:
        return norms_after(s) ? s->d_model : 0;
    case VECTOR_POST_ATTN_BIAS:
    case VECTOR_POST_MLP_BIAS:
        return s->norm_bias && norms_after(s) ? s->d_model : 0;
    case VECTOR_FINAL_BIAS:
        return s->norm_bias ? s->d_model : 0;
    case VECTOR_UNEMBED_BIAS:
        return s->unembed_bias ? s->n_vocab : 0;
    case VECTOR_EMBED_GAIN:
    case VECTOR_EMBED_BIAS:
        return s->embed_norm ? s->d_model : 0;
    case VECTOR_QKV_BIAS:
        return s->qkv_bias ? (s->n_heads + 2 * s->n_kv_heads) * s->d_head : 0;
    case VECTOR_Q_NORM:
    case VECTOR_K_NORM:
        return s->qk_norm == QK_NORM_NONE    ? 0
               : s->qk_norm == QK_NORM_HEADS ? s->d_head
               : which == VECTOR_Q_NORM      ? s->n_heads * s->d_head
                                             : s->n_kv_heads * s->d_head;
    case VECTOR_OUT_BIAS:
        return s->out_bias ? s->d_model : 0;
    case VECTOR_MLP_GATE_BIAS:
        return s->mlp_bias && s->gated ? s->d_mlp : 0;
    case VECTOR_MLP_IN_BIAS:
        return s->mlp_bias ? s->d_mlp : 0;
    case VECTOR_MLP_OUT_BIAS:
        return s->mlp_bias ? s->d_model : 0;
    case VECTOR_FINAL_GAIN:
        break;
    }
    return s->d_model;
}

// "tiny-gpt2" of "data/models/tiny-gpt2/", as text.
static const char *last_part(struct arena *a, const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    size_t first = len;
    while (first && path[first - 1] != '/')
        first--;
    const char *part = arena_strndup(a, path + first, len - first);
    return part ? name_label(part, a) : NULL;
}

// A .safetensors file stands for its folder, where config.json and its shards are.
static char *folder_of(struct arena *a, const char *path)
{
    size_t len = strlen(path);
    const char *slash = strrchr(path, '/');
    if (len < 12 || strcmp(path + len - 12, ".safetensors") != 0 || file_is_dir(path))
        return arena_strdup(a, path);
    return slash ? arena_strndup(a, path, slash == path ? 1 : (size_t)(slash - path))
                 : arena_strdup(a, ".");
}

static bool open_into(struct model *m, const char *path, enum owner like, struct abl_err *err)
{
    const struct arch *arch;
    m->path = folder_of(&m->arena, path);
    m->name = m->path ? last_part(&m->arena, m->path) : NULL;
    m->files = arena_alloc(&m->arena, 1, sizeof *m->files);
    if (!m->path || !m->name || !m->files)
        return abl_no_memory(err);
    bool is_gguf = gguf_is(m->path);
    // config.json first: of a folder that has neither, it is the missing one to name.
    if (!is_gguf
        && !config_read_hashed(m->path, like, &m->shape, &arch, m->config_sha256, &m->notes, err))
        return false;
    if (!checkpoint_open(m->path, &m->files->checkpoint, err))
        return false;
    if (is_gguf && !config_gguf_read(m->files->checkpoint, &m->shape, &arch, err))
        return false;
    return model_resolve(m, is_gguf ? arch->gguf : arch->safetensors, like, err);
}

bool model_open(const char *path, enum owner like, struct model **out, struct abl_err *err)
{
    struct model *m = calloc(1, sizeof *m);
    if (!m)
        return abl_no_memory(err);
    if (!open_into(m, path, like, err)) {
        model_free(m);
        return false;
    }
    *out = m;
    return true;
}

static bool open_gguf_tokenizer(const char *path, enum owner like, struct tokenizer **out,
                                struct abl_err *err)
{
    struct gguf g;
    if (!gguf_open(path, &g, err))
        return false;
    bool ok = gguf_tokenizer_open(&g, path, like, out, err);
    gguf_close(&g);
    return ok;
}

bool model_tokenizer(const struct model *m, enum owner like, struct tokenizer **out,
                     struct abl_err *err)
{
    const struct checkpoint *c = m->files->checkpoint;
    return c->is_gguf ? gguf_tokenizer_open(&c->gguf, m->path, like, out, err)
                      : tokenizer_open(m->path, like, out, err);
}

bool model_tokenizer_open(const char *path, enum owner like, struct tokenizer **out,
                          struct abl_err *err)
{
    struct arena a = { 0 };
    const char *place = folder_of(&a, path);
    bool ok = place || abl_no_memory(err);
    if (ok && gguf_is(place))
        ok = open_gguf_tokenizer(place, like, out, err);
    else if (ok)
        ok = tokenizer_open(place, like, out, err);
    arena_release(&a);
    return ok;
}

bool model_rename(struct model *m, const char *name)
{
    m->name = name_label(name, &m->arena);
    return m->name != NULL;
}

void model_free(struct model *m)
{
    if (!m)
        return;
    if (m->files) {
        weights_hash_free(m->files->hash);
        checkpoint_close(m->files->checkpoint);
    }
    owner_notes_release(&m->notes);
    arena_release(&m->arena);
    free(m);
}

static bool read_rows(void *context, uint32_t first, uint32_t count, float *out,
                      struct abl_err *err)
{
    return model_tensor_read(context, first, count, out, err);
}

void model_matrix_source(const struct model *m, enum model_matrix which, uint32_t layer,
                         struct matrix_source *out)
{
    if (which == MATRIX_UNEMBED)
        layer = 0;
    assert(layer < m->shape.n_layers);
    struct model_tensor *t = &m->files->matrices[layer * N_MATRICES + which];
    assert(t->n_parts);
    *out = (struct matrix_source){ .k = t->out_in ? t->cols : t->rows,
                                   .n = t->out_in ? t->rows : t->cols,
                                   .out_in = t->out_in,
                                   .read = read_rows,
                                   .context = t };
}

bool model_read_vector(const struct model *m, enum model_vector which, uint32_t layer, float *out,
                       struct abl_err *err)
{
    if (which >= VECTOR_FINAL_GAIN)
        layer = 0;
    assert(layer < m->shape.n_layers);
    const struct model_tensor *t = &m->files->vectors[layer * N_VECTORS + which];
    return model_tensor_read(t, 0, t->rows, out, err);
}

bool model_rope_frequencies(const struct model *m, const struct rope_shape *rope, double *out,
                            struct abl_err *err)
{
    struct tensor_ref divisors = m->files->rope_divisors;
    uint32_t n = rope->n_dims / 2;
    rope_frequencies(rope, out);
    if (!divisors.entry || rope != &m->shape.rope)
        return true;
    float *by = malloc(n * sizeof *by);
    if (!by)
        return abl_no_memory(err);
    bool ok = tensor_file_read(divisors.file, divisors.entry, 0, n, by, err);
    for (uint32_t i = 0; ok && i < n; i++)
        out[i] /= (double)by[i];
    free(by);
    return ok;
}

// out[0..d) += row `position` of W_pos.
static bool add_position(const struct model *m, uint32_t position, float *out, struct abl_err *err)
{
    struct tensor_ref ref = m->files->position_embed;
    size_t d = m->shape.d_model;
    float *row = malloc(d * sizeof *row);
    if (!row)
        return abl_no_memory(err);
    bool ok = tensor_file_read(ref.file, ref.entry,
                               (uint64_t)(position + m->files->first_position) * d, d, row, err);
    for (size_t i = 0; ok && i < d; i++)
        out[i] += row[i];
    free(row);
    return ok;
}

// LayerNorm of an embedding, in double.
static bool norm_embedding(const struct model *m, float *x, struct abl_err *err)
{
    size_t d = m->shape.d_model;
    double mean = 0, squares = 0;
    float *gain = malloc(2 * d * sizeof *gain), *bias = gain ? gain + d : NULL;
    bool ok = (gain || abl_no_memory(err)) && model_read_vector(m, VECTOR_EMBED_GAIN, 0, gain, err)
              && model_read_vector(m, VECTOR_EMBED_BIAS, 0, bias, err);
    for (size_t i = 0; ok && i < d; i++)
        mean += (double)x[i] / (double)d;
    for (size_t i = 0; ok && i < d; i++)
        squares += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)d;
    double scale = 1 / sqrt(squares + (double)m->shape.norm_eps);
    for (size_t i = 0; ok && i < d; i++)
        x[i] = (float)(((double)x[i] - mean) * scale * (double)gain[i] + (double)bias[i]);
    free(gain);
    return ok;
}

bool model_embed(const struct model *m, uint32_t token, uint32_t position, float *out,
                 struct abl_err *err)
{
    const struct model_files *f = m->files;
    size_t d = m->shape.d_model;
    bool placed = position != NO_POSITION;
    assert(token < m->shape.n_vocab && (!placed || position < m->shape.n_ctx));
    if (!tensor_file_read(f->embed.file, f->embed.entry, (uint64_t)token * d, d, out, err))
        return false;
    for (size_t i = 0; i < d; i++)
        out[i] *= m->shape.embed_scale;
    if (m->shape.embed_norm && !norm_embedding(m, out, err))
        return false;
    return !placed || !f->position_embed.entry || add_position(m, position, out, err);
}

void model_sha256_begin(struct model *m)
{
    if (!m->files->hash)
        m->files->hash = weights_hash_begin(m->files->checkpoint);
}

void model_sha256_known(struct model *m, const char *sha256)
{
    if (!m->files->hash)
        m->files->hash = weights_hash_known(m->files->checkpoint, sha256);
}

bool model_sha256(const struct model *m, char out[SHA256_HEX], struct abl_err *err)
{
    const struct model_files *f = m->files;
    return f->hash ? weights_hash_get(f->hash, out, err)
                   : checkpoint_sha256(f->checkpoint, NULL, out, err);
}
