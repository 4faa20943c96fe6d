#include "session/settings.h"

#include <string.h>

static const double default_sample_from = 2.5e11; // about a second of two cores

#define GPU_MEM (UINT64_C(2) << 30) // at most, where --mem says nothing
enum { DEFAULT_DONORS = 5 };
enum { DEFAULT_BOOT = 1000, DEFAULT_CONTROLS = 20, DEFAULT_TOP_K = 100, DEFAULT_MEM = 256 << 20 };

const char *direction_name(size_t d)
{
    static const char *const names[]
        = { [CLEAN_TO_CORRUPT] = "clean->corrupt", [CORRUPT_TO_CLEAN] = "corrupt->clean" };
    return d < sizeof names / sizeof *names ? names[d] : NULL;
}

const char *span_name(size_t whole)
{
    static const char *const names[] = { "first", "full" };
    return whole < sizeof names / sizeof *names ? names[whole] : NULL;
}

const char *ov_kind_name(size_t kind)
{
    static const char *const names[]
        = { [OV_MEAN_OUTPUT] = "mean_output", [OV_CIRCUIT] = "circuit" };
    return kind < sizeof names / sizeof *names ? names[kind] : NULL;
}

void settings_default(struct settings *s, const struct experiment *experiment)
{
    *s = (struct settings){ .data_dir = "data",
                            .model = "tiny-gpt2",
                            .data = "facts",
                            .split = SPLIT_DEFAULT,
                            .experiment = experiment,
                            .ablation = { .scale = 0.0f, .value_bias = VALUE_BIAS_FOLDED },
                            .n_controls = DEFAULT_CONTROLS,
                            .sites = 1u << SITE_RESID_POST,
                            .top_k = DEFAULT_TOP_K,
                            .bos = BOS_AUTO,
                            .metric = METRIC_LD,
                            .n_boot = DEFAULT_BOOT,
                            .alpha = 0.05,
                            .min_effect = 0.02,
                            .sample_from = default_sample_from,
                            .device = "auto" };
}

bool settings_have_templates(const struct settings *s)
{
    return s->templates.n && strcmp(s->data, s->templates.slots) == 0;
}

bool settings_ablate(const struct settings *s)
{
    return s->experiment->options & READS_ABLATION;
}

const char *settings_ablated_at(const struct settings *s)
{
    bool limited = settings_ablate(s) && s->positions && !s->save;
    return limited && strcmp(s->positions, "all") != 0 ? s->positions : NULL;
}

struct ablations settings_ablations(const struct settings *s)
{
    struct ablations all = { .items = { s->ablation }, .n = 1 };
    for (size_t i = 0; i < s->also.n && all.n < MAX_ABLATIONS; i++) {
        all.items[all.n] = s->also.items[i];
        all.items[all.n++].value_bias = s->ablation.value_bias;
    }
    return all;
}

bool settings_resample(const struct settings *s)
{
    struct ablations all = settings_ablations(s);
    for (size_t i = 0; settings_ablate(s) && i < all.n; i++)
        if (ablation_needs(all.items[i].kind) == NEEDS_RESAMPLED)
            return true;
    return false;
}

uint32_t settings_donors(const struct settings *s)
{
    if (s->n_donors)
        return s->n_donors;
    return conventions_of(s->compat)->one_donor ? 1 : DEFAULT_DONORS;
}

bool settings_run_corrupt(const struct settings *s)
{
    return s->experiment->traits & SWAPS_PROMPTS && s->direction == CLEAN_TO_CORRUPT;
}

const char *settings_baseline(const struct settings *s)
{
    return settings_run_corrupt(s) ? "corrupt" : "intact";
}

struct run_memory settings_memory(const struct settings *s, const struct device_info *device)
{
    if (s->mem)
        return (struct run_memory){ s->mem, s->mem };
    uint64_t activations = DEFAULT_MEM;
    if (device->kind == DEVICE_VULKAN_GPU && device->memory / 16 > activations) // needs many rows
        activations = device->memory / 16 < GPU_MEM ? device->memory / 16 : GPU_MEM;
    return (struct run_memory){ activations, device->memory ? device->memory / 4 * 3 : UINT64_MAX };
}

// ------------------------------------------------------------------------------------------ copies

static bool copy_sources(struct settings *s, struct arena *a)
{
    const char **sources = arena_alloc(a, s->n_sources, sizeof *sources);
    bool ok = sources;
    for (size_t i = 0; ok && i < s->n_sources; i++)
        ok = (sources[i] = arena_strdup(a, s->sources[i])) != NULL;
    s->sources = sources;
    return ok;
}

static bool copy_string(const char **string, struct arena *a)
{
    if (*string)
        *string = arena_strdup(a, *string);
    return *string;
}

static bool copy_strings(struct settings *s, struct arena *a)
{
    const char **strings[] = { &s->data_dir,  &s->hf_cache, &s->model,     &s->data,
                               &s->condition, &s->run_name, &s->heads,     &s->layers,
                               &s->sets,      &s->pairs,    &s->triplets,  &s->restore,
                               &s->positions, &s->device,   &s->fields.by, &s->templates.slots };
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof strings / sizeof *strings; i++)
        ok = !*strings[i] || copy_string(strings[i], a);
    for (size_t i = 0; ok && i < N_DATA_FIELDS; i++)
        ok = !s->fields.names[i] || copy_string(&s->fields.names[i], a);
    for (size_t i = 0; ok && i < s->templates.n; i++)
        ok = copy_string(&s->templates.clean[i], a);
    for (size_t i = 0; ok && i < s->templates.n_corrupt; i++)
        ok = copy_string(&s->templates.corrupt[i], a);
    return ok;
}

bool settings_copy(const struct settings *from, struct arena *a, struct settings *to,
                   struct abl_err *err)
{
    *to = *from;
    return (copy_strings(to, a) && copy_sources(to, a)) || abl_no_memory(err);
}
