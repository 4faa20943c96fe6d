#include "session/settings.h"

static const double default_sample_from = 2.5e11; // about a second of two cores

#define GPU_MEM (UINT64_C(2) << 30) // at most, where --mem says nothing
enum { DEFAULT_BOOT = 1000, DEFAULT_CONTROLS = 20, DEFAULT_TOP_K = 100, DEFAULT_MEM = 256 << 20 };

static const struct {
    const char *name, *about;
    bool ablates;     // whether --ablate means something
    bool reads_other; // whether results are compared with the other run
} experiments[N_EXPERIMENTS] = {
    [EXPERIMENT_HEADS] = { "heads", "each head alone", true, false },
    [EXPERIMENT_SETS] = { "sets", "joint ablations, against random sets", true, false },
    [EXPERIMENT_PATCH] = { "patch", "activations of the other prompt put in", false, true },
    [EXPERIMENT_PARTIAL] = { "partial", "sets with heads given back", true, false },
    [EXPERIMENT_OV] = { "ov", "what heads write into the vocabulary", false, false },
    [EXPERIMENT_LENS] = { "lens", "logit lens and direct effects beside total ones", true, false },
    [EXPERIMENT_ATTN] = { "attn", "where heads look, and what for", false, false },
};

const char *experiment_name(enum experiment e)
{
    return experiments[e].name;
}

bool experiment_ablates(enum experiment e)
{
    return experiments[e].ablates;
}

const char *experiment_about(enum experiment e)
{
    return experiments[e].about;
}

bool experiment_reads_other(enum experiment e)
{
    return experiments[e].reads_other;
}

void settings_default(struct settings *s)
{
    *s = (struct settings){ .data_dir = "data",
                            .model = "tiny-gpt2",
                            .data = "facts",
                            .split = SPLIT_DEFAULT,
                            .experiment = EXPERIMENT_HEADS,
                            .ablation = { .scale = 0.0f, .value_bias = VALUE_BIAS_FOLDED },
                            .n_controls = DEFAULT_CONTROLS,
                            .sites = 1u << SITE_RESID_POST,
                            .top_k = DEFAULT_TOP_K,
                            .bos = BOS_AUTO,
                            .metric = METRIC_LD,
                            .n_boot = DEFAULT_BOOT,
                            .alpha = 0.05,
                            .sample_from = default_sample_from,
                            .device = "auto" };
}

const char *settings_positions(const struct settings *s)
{
    if (s->positions)
        return s->positions;
    // tinyLab patched every position, whatever it was told; whole answers have no one last token.
    return s->compat == COMPAT_TINYLAB || s->whole_answers ? "all" : "last";
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
