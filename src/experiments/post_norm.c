#include "experiments/post_norm.h"

#include <math.h>
#include <stdlib.h>

#include "experiments/direction.h"
#include "plan/site.h"

// One row of what attention gives before its norm: what the norm multiplies it by.
static double scale_of(const float *x, size_t d, bool centres, double eps)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; centres && i < d; i++)
        mean += (double)x[i] / (double)d;
    for (size_t i = 0; i < d; i++)
        squares += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)d;
    return 1 / sqrt(squares + eps);
}

static bool read_vectors(const struct model *m, uint32_t layer, struct post_norm *p,
                         struct abl_err *err)
{
    return model_read_vector(m, VECTOR_POST_ATTN_GAIN, layer, p->gain, err)
           && (!model_vector_len(&m->shape, VECTOR_POST_ATTN_BIAS)
               || model_read_vector(m, VECTOR_POST_ATTN_BIAS, layer, p->bias, err));
}

bool post_norm_freeze(struct session *session, uint32_t layer, const float *z, size_t n,
                      struct post_norm *out, struct abl_err *err)
{
    const struct model *m = session->model;
    size_t d = m->shape.d_model;
    bool has_bias = model_vector_len(&m->shape, VECTOR_OUT_BIAS);
    *out = (struct post_norm){ .gain = calloc(d, sizeof *out->gain),
                               .bias = calloc(d, sizeof *out->bias),
                               .by = calloc(n, sizeof *out->by),
                               .d_model = d,
                               .n = n,
                               .centres = m->shape.norm == NORM_LAYER };
    float *x = malloc(n * d * sizeof *x), *b = calloc(d, sizeof *b);
    bool ok = (out->gain && out->bias && out->by && x && b) || abl_no_memory(err);
    ok = ok && read_vectors(m, layer, out, err)
         && (!has_bias || model_read_vector(m, VECTOR_OUT_BIAS, layer, b, err))
         && direction_write_rows(session, layer, z, (uint32_t)n, x, err);
    for (size_t i = 0; ok && i < n; i++) {
        for (size_t k = 0; k < d; k++)
            x[i * d + k] += b[k];
        out->by[i] = scale_of(x + i * d, d, out->centres, (double)m->shape.norm_eps);
    }
    free(x);
    free(b);
    return ok;
}

void post_norm_release(struct post_norm *p)
{
    free(p->gain);
    free(p->bias);
    free(p->by);
    *p = (struct post_norm){ 0 };
}

void post_norm_pull_back(const struct post_norm *p, size_t i, const double *along, double *out)
{
    double mean = 0;
    for (size_t k = 0; k < p->d_model; k++) {
        out[k] = along[k] * (double)p->gain[k] * p->by[i];
        mean += out[k] / (double)p->d_model;
    }
    for (size_t k = 0; p->centres && k < p->d_model; k++)
        out[k] -= mean;
}

struct observed_product post_norm_product(const struct model_shape *s, uint64_t rows)
{
    return (struct observed_product){ .rows = rows, .k = site_cols(s, SITE_Z), .n = s->d_model };
}
