#include "model/arch.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/arch_parts.h"

static const struct arch_family *const families[]
    = { &arch_gpt, &arch_llama, &arch_gemma, &arch_layer_norm };

// Row number i of all families; NULL behind the last.
static const struct arch *arch_at(size_t i)
{
    for (size_t f = 0; f < sizeof families / sizeof *families; i -= families[f++]->n)
        if (i < families[f]->n)
            return &families[f]->rows[i];
    return NULL;
}

const struct arch *arch_find(const char *model_type)
{
    size_t i = 0;
    const struct arch *a;
    while ((a = arch_at(i++)) && strcmp(a->model_type, model_type) != 0)
        continue;
    return a;
}

const struct arch *arch_find_gguf(const char *architecture)
{
    size_t i = 0;
    const struct arch *a;
    while ((a = arch_at(i++)) && (!a->gguf_type || strcmp(a->gguf_type, architecture) != 0))
        continue;
    return a;
}

void arch_give_traits(const struct arch *a, struct model_shape *s)
{
    s->norm = a->norm;
    s->norm_bias = a->norm == NORM_LAYER && !a->no_norm_bias;
    s->norm_place = a->norm_place;
    s->gated = a->gated;
    s->embed_norm = a->embed_norm;
    s->alibi = a->alibi;
    s->qk_norm = a->qk_norm;
    s->residual_scale = s->logit_scale = 1;
    s->embed_scale = a->embed_sqrt_width ? (float)sqrt((double)s->d_model) : 1;
}

void arch_names(char *out, size_t size)
{
    size_t used = 0;
    *out = '\0';
    const struct arch *a;
    for (size_t i = 0; (a = arch_at(i)) && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", a->model_type);
}

// Entry number `part` of "{q,k,v}", of which `list` is the first letter; NULL when there are fewer.
static const char *list_entry(const char *list, uint32_t part, size_t *len)
{
    while (part--) {
        list += strcspn(list, ",}");
        if (*list++ == '}')
            return NULL;
    }
    *len = strcspn(list, ",}");
    return list;
}

bool arch_tensor_name(const char *prefix, const char *pattern, uint32_t layer, uint32_t part,
                      char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "%s", prefix);
    bool has_list = false;
    for (const char *p = pattern; *p && used < size;) {
        size_t len = strcspn(p, "{");
        used += (size_t)snprintf(out + used, size - used, "%.*s", (int)len, p);
        p += len;
        if (!*p || used >= size)
            break;
        if (p[1] == '}')
            used += (size_t)snprintf(out + used, size - used, "%" PRIu32, layer);
        else {
            const char *entry = list_entry(p + 1, part, &len);
            if (!entry)
                return false;
            has_list = true;
            used += (size_t)snprintf(out + used, size - used, "%.*s", (int)len, entry);
        }
        p = strchr(p, '}') + 1;
    }
    return has_list || part == 0;
}

bool arch_layer_of(const struct arch_tensors *t, const char *name, uint32_t *layer)
{
    const char *hole = strstr(t->layer_stem, "{}");
    size_t before = (size_t)(hole - t->layer_stem), digits;
    if (strncmp(name, t->layer_stem, before) != 0)
        return false;
    name += before;
    digits = strspn(name, "0123456789");
    if (!digits || strncmp(name + digits, hole + 2, strlen(hole + 2)) != 0)
        return false;
    uint64_t n = 0;
    for (size_t i = 0; i < digits && n <= UINT32_MAX; i++)
        n = n * 10 + (uint64_t)(name[i] - '0');
    *layer = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    return true;
}
