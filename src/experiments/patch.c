// Activation patching (Vig et al. 2020; Meng et al. 2022): one activation of the other run replaces
// this run's, at one layer, one head where the site has heads, and one position. Or this run's own
// activation, everywhere: what that changes is rounding.
#include "experiments/chosen.h"
#include "experiments/experiments.h"
#include "plan/head_syntax.h"
#include "plan/position.h"

struct writer {
    const struct session *session;
    enum variant_role role; // of what is swept: ROLE_PATCH or ROLE_SHAM
    const struct position *positions;
    size_t n_positions;
    const bool *layers;
    struct head_set heads; // of the asked layers
    struct variants *v;
    struct abl_err *err;
};

static struct edit patch_edit(const struct writer *w, enum site site, uint32_t layer, uint32_t head,
                              const struct position *position)
{
    return (struct edit){ .site = site,
                          .layer = layer,
                          .head = head,
                          .position = position->at,
                          .reach = position->reach,
                          .op = EDIT_SET,
                          .source = SOURCE_ROW,
                          .donor = DONOR_MAP_OTHER,
                          .from_start = conventions_of(w->session->settings.compat)->from_start
                                        && position->at == ALL_POSITIONS };
}

// head: ALL_HEADS at sites without.
static bool add_at(struct writer *w, enum site site, uint32_t layer, uint32_t head,
                   const struct position *position, enum variant_role role)
{
    struct edit e = patch_edit(w, site, layer, head, position);
    if (role == ROLE_SHAM)
        e.donor = DONOR_MAP_SELF;
    struct variant one = { .position = position->name,
                           .edits = &e,
                           .n_edits = 1,
                           .role = role,
                           .parent = NO_VARIANT,
                           .donor = role == ROLE_SHAM ? DONOR_SAME : DONOR_OTHER };
    return variants_add(w->v, &one, NULL, w->err);
}

static bool add_heads_at(struct writer *w, enum site site, uint32_t layer,
                         const struct position *position)
{
    const struct model_shape *s = &w->session->model->shape;
    uint32_t group = s->n_heads / site_heads(s, site); // 1 but for kv heads
    for (size_t i = 0; i < w->heads.n; i++) {
        struct head h = w->heads.heads[i];
        if (h.layer == layer && !add_at(w, site, layer, h.head / group, position, w->role))
            return false;
    }
    return true;
}

static bool add_layer(struct writer *w, enum site site, uint32_t layer)
{
    bool has_heads = site_head_cols(&w->session->model->shape, site) > 0;
    for (size_t i = 0; i < w->n_positions; i++)
        if (!(has_heads ? add_heads_at(w, site, layer, &w->positions[i])
                        : add_at(w, site, layer, ALL_HEADS, &w->positions[i], w->role)))
            return false;
    return true;
}

// One patch of the run into itself for each site: what it changes is rounding.
static bool add_sham(struct writer *w, enum site site, uint32_t layer)
{
    static const struct position everywhere = { .at = ALL_POSITIONS, .name = "all" };
    bool has_heads = site_head_cols(&w->session->model->shape, site) > 0;
    return add_at(w, site, layer, has_heads ? 0 : ALL_HEADS, &everywhere, ROLE_SHAM);
}

static bool add_sites(struct writer *w)
{
    uint32_t n_layers = w->session->model->shape.n_layers;
    for (int site = 0; site < N_SITES; site++) {
        bool first = true;
        for (uint32_t l = 0; w->session->settings.sites & 1u << site && l < n_layers; l++) {
            if (!w->layers[l])
                continue;
            bool beside = first && w->role != ROLE_SHAM;
            if (!add_layer(w, (enum site)site, l) || (beside && !add_sham(w, (enum site)site, l)))
                return false;
            first = false;
        }
    }
    return true;
}

static bool list_places(const struct session *session, enum variant_role role, struct variants *out,
                        struct abl_err *err)
{
    const struct settings *s = &session->settings;
    const struct model_shape *shape = &session->model->shape;
    struct arena scratch = { 0 };
    struct variants v = { 0 };
    struct writer w = { .session = session, .role = role, .v = &v, .err = err };
    struct position *positions;
    bool *layers = arena_alloc(&scratch, shape->n_layers, sizeof *layers);
    bool ok
        = (layers || abl_no_memory(err))
          && (role == ROLE_SHAM || donors_need_other(&session->donors, "--experiment patch", err))
          && layers_parse(s->layers ? s->layers : "all", shape, layers, err)
          && chosen_heads(session, &scratch, &w.heads, err)
          && chosen_positions(session, role != ROLE_SHAM, &scratch, &positions, &w.n_positions,
                              err);
    w.layers = layers;
    w.positions = ok ? positions : NULL;
    size_t per_layer = N_SITES * (w.n_positions * (shape->n_heads + 1) + 1);
    ok = ok && variants_init(&v, shape->n_layers * per_layer, err) && add_sites(&w);
    arena_release(&scratch);
    if (!ok) {
        variants_release(&v);
        return false;
    }
    *out = v;
    return true;
}

static bool list_patches(const struct session *session, struct variants *out, struct abl_err *err)
{
    return list_places(session, ROLE_PATCH, out, err);
}

static bool list_shams(const struct session *session, struct variants *out, struct abl_err *err)
{
    return list_places(session, ROLE_SHAM, out, err);
}

const struct experiment experiment_patch = {
    .name = "patch",
    .about = "activations of the other prompt put in",
    .options = READS_HEADS | READS_PATCH,
    .traits = READS_OTHER | SWAPS_PROMPTS | SCORES_ANSWERS,
    .makes = MAKES(ROLE_PATCH) | MAKES(ROLE_SHAM),
    .swept = ROLE_PATCH,
    .list = list_patches,
};

const struct experiment experiment_sham = {
    .name = "sham",
    .about = "a run's own activations put in, which change rounding alone",
    .options = READS_HEADS | READS_PATCH,
    .traits = SWAPS_PROMPTS | SCORES_ANSWERS,
    .makes = MAKES(ROLE_SHAM),
    .swept = ROLE_SHAM,
    .list = list_shams,
};
