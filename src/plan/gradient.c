#include "plan/gradient.h"

const char *gradient_site_name(size_t site)
{
    if (site == GRADIENT_MLP_IN)
        return "mlp_in";
    return site == GRADIENT_NEURONS ? "neurons" : site_name(site);
}

uint32_t gradient_site_cols(const struct model_shape *s, size_t site)
{
    if (site == GRADIENT_MLP_IN)
        return s->d_model;
    return site == GRADIENT_NEURONS ? s->d_mlp : site_cols(s, (enum site)site);
}
