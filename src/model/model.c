#include "model/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/config.h"
#include "model/internal.h"

uint32_t model_vector_len(const struct model_shape *s, enum model_vector which)
{
    switch (which) {
    case VECTOR_QKV_BIAS:
        return (s->n_heads + 2 * s->n_kv_heads) * s->d_head;
    case VECTOR_MLP_IN_BIAS:
        return s->d_mlp;
    default:
        return s->d_model;
    }
}

// "tiny-gpt2" of "data/models/tiny-gpt2/".
static const char *last_part(struct arena *a, const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    size_t first = len;
    while (first && path[first - 1] != '/')
        first--;
    return arena_strndup(a, path + first, len - first);
}

bool model_open(const char *path, struct model **out, struct abl_err *err)
{
    struct model *m = calloc(1, sizeof *m);
    const struct arch *arch;
    if (!m)
        return abl_no_memory(err);
    m->path = arena_strdup(&m->arena, path);
    m->name = last_part(&m->arena, path);
    m->files = arena_alloc(&m->arena, 1, sizeof *m->files);
    bool ok = (m->path && m->name && m->files) || abl_no_memory(err);
    ok = ok && config_read(path, &m->shape, &arch, err)
         && checkpoint_open(path, &m->files->checkpoint, err) && model_resolve(m, arch, err);
    if (!ok) {
        model_free(m);
        return false;
    }
    *out = m;
    return true;
}

void model_free(struct model *m)
{
    if (!m)
        return;
    if (m->files)
        checkpoint_close(m->files->checkpoint);
    arena_release(&m->arena);
    free(m);
}

// File rows of a matrix.
static bool read_rows(void *context, uint32_t first, uint32_t count, float *out,
                      struct abl_err *err)
{
    const struct model_matrix_ref *ref = context;
    uint64_t cols = ref->out_in ? ref->k : ref->n;
    return tensor_file_read(ref->tensor.file, ref->tensor.entry, first * cols,
                            (size_t)(count * cols), out, err);
}

void model_matrix_source(const struct model *m, enum model_matrix which, uint32_t layer,
                         struct matrix_source *out)
{
    if (which == MATRIX_UNEMBED)
        layer = 0;
    assert(layer < m->shape.n_layers);
    struct model_matrix_ref *ref = &m->files->matrices[layer * N_MATRICES + which];
    *out = (struct matrix_source){
        .k = ref->k, .n = ref->n, .out_in = ref->out_in, .read = read_rows, .context = ref
    };
}

bool model_read_vector(const struct model *m, enum model_vector which, uint32_t layer, float *out,
                       struct abl_err *err)
{
    if (which >= VECTOR_FINAL_GAIN)
        layer = 0;
    assert(layer < m->shape.n_layers);
    struct tensor_ref ref = m->files->vectors[layer * N_VECTORS + which];
    return tensor_file_read(ref.file, ref.entry, 0, model_vector_len(&m->shape, which), out, err);
}

// out[0..d) += row `position` of W_pos.
static bool add_position(const struct model *m, uint32_t position, float *out, struct abl_err *err)
{
    struct tensor_ref ref = m->files->position_embed;
    size_t d = m->shape.d_model;
    float *row = malloc(d * sizeof *row);
    if (!row)
        return abl_no_memory(err);
    bool ok = tensor_file_read(ref.file, ref.entry, (uint64_t)position * d, d, row, err);
    for (size_t i = 0; ok && i < d; i++)
        out[i] += row[i];
    free(row);
    return ok;
}

bool model_embed(const struct model *m, uint32_t token, uint32_t position, float *out,
                 struct abl_err *err)
{
    const struct model_files *f = m->files;
    size_t d = m->shape.d_model;
    assert(token < m->shape.n_vocab && position < m->shape.n_ctx);
    return tensor_file_read(f->embed.file, f->embed.entry, (uint64_t)token * d, d, out, err)
           && (!f->position_embed.entry || add_position(m, position, out, err));
}

bool model_sha256(const struct model *m, char out[SHA256_HEX], struct abl_err *err)
{
    return checkpoint_sha256(m->files->checkpoint, out, err);
}
