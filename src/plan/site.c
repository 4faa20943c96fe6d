#include "plan/site.h"

#define SITE_ROW(id, name, width) [SITE_##id] = { name, width },
static const struct {
    const char *name;
    enum site_width width;
} sites[N_SITES] = { SITE_ROWS(SITE_ROW) };

const char *site_name(size_t site)
{
    return site < N_SITES ? sites[site].name : NULL;
}

uint32_t site_heads(const struct model_shape *s, enum site site)
{
    switch (sites[site].width) {
    case WIDTH_MODEL:
        return 0;
    case WIDTH_KV_HEADS:
        return s->n_kv_heads;
    case WIDTH_HEADS:
    case WIDTH_WEIGHTS:
        break;
    }
    return s->n_heads;
}

uint32_t site_head_cols(const struct model_shape *s, enum site site)
{
    switch (sites[site].width) {
    case WIDTH_MODEL:
        return 0;
    case WIDTH_WEIGHTS:
        return 1;
    case WIDTH_HEADS:
    case WIDTH_KV_HEADS:
        break;
    }
    return s->d_head;
}

uint32_t site_cols(const struct model_shape *s, enum site site)
{
    uint32_t heads = site_heads(s, site);
    return heads ? heads * site_head_cols(s, site) : s->d_model;
}
