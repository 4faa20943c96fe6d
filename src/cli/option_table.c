#include "cli/option_table.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "experiments/experiments.h"
#include "experiments/ov.h"
#include "stats/metrics.h"

const struct command_info cli_commands[N_COMMANDS] = {
    [COMMAND_RUN]
    = { NULL, "[OPTIONS]", "open the explorer; with --export, run without a terminal", 0 },
    [COMMAND_CHECK]
    = { "check", "DATA [OPTIONS]", "pre-flight lint of a dataset under a model's tokenizer", 1 },
    [COMMAND_VERIFY]
    = { "verify", "[OPTIONS]", "a slice on every engine against a double-precision reference", 0 },
    [COMMAND_MODELS] = { "models", "[--json]", "models that are here", 0 },
    [COMMAND_DEVICES] = { "devices", "[--json]", "what can compute", 0 },
    [COMMAND_VARIANTS]
    = { "variants", "DATA… --tokenizer T", "corpora cut to what fits a tokenizer", MAX_ARGS },
    [COMMAND_OV]
    = { "ov", "[OPTIONS]", "what heads write into the vocabulary: top and bottom tokens", 0 },
    [COMMAND_CLUSTER]
    = { "cluster", "REPORT…", "which tokens heads share: counts over OV reports", MAX_ARGS },
    [COMMAND_CONFIG]
    = { "run", "CONFIG… [--export DIR]", "run files, tinyLab's or ours", MAX_ARGS },
    [COMMAND_REBUILD] = { "rebuild", "RUN… --export DIR",
                          "tables over several conditions from their runs", MAX_ARGS },
    [COMMAND_COMPARE]
    = { "compare", "REPORT REPORT…", "which heads agree between OV reports", MAX_ARGS },
    [COMMAND_PULL]
    = { "pull", "ID[@REV][:FILE]", "fetch a checkpoint from the Hugging Face hub", 1 },
};

enum {
    RUN = 1 << COMMAND_RUN,
    CHECK = 1 << COMMAND_CHECK,
    VERIFY = 1 << COMMAND_VERIFY,
    MODELS = 1 << COMMAND_MODELS,
    DEVICES = 1 << COMMAND_DEVICES,
    OV = 1 << COMMAND_OV,
    CLUSTER = 1 << COMMAND_CLUSTER,
    COMPARE = 1 << COMMAND_COMPARE,
    REBUILD = 1 << COMMAND_REBUILD,
    CONFIG = 1 << COMMAND_CONFIG,
    LAB = RUN | CHECK | VERIFY | OV,
    READ = RUN | OV,
    PULL = 1 << COMMAND_PULL,
    VARIANTS = 1 << COMMAND_VARIANTS,
    ALL = LAB | CLUSTER | COMPARE | REBUILD | CONFIG | MODELS | DEVICES | PULL | VARIANTS
};

static bool bad_value(const struct option *o, const char *value, const char *expected,
                      struct abl_err *err)
{
    return abl_fail(err, ABL_USAGE, "bad value '%s' for --%s: expected %s", value, o->name,
                    expected);
}

static bool read_flag(const struct option *o, const char *value, struct cli *cli,
                      struct abl_err *err)
{
    (void)value;
    (void)err;
    cli->flags |= o->flag;
    return true;
}

static bool whole_number(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    if (*text < '0' || *text > '9')
        return false;
    *out = strtoull(text, &end, 10);
    return !errno && !*end;
}

static bool read_model(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    cli->run.model = v;
    return *v || bad_value(o, v, "a folder or a bundled name", err);
}

static bool read_data(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    if (cli->n_data == MAX_ARGS)
        return abl_fail(err, ABL_USAGE, "more than %d conditions: run it several times", MAX_ARGS);
    cli->data[cli->n_data++] = v;
    return *v || bad_value(o, v, "a bundled condition, a JSONL file or -", err);
}

static bool read_split(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    return split_parse(v, &cli->run.split) || bad_value(o, v, "train, val, test or all", err);
}

static bool read_rows(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    uint64_t n;
    if (!whole_number(v, &n) || n < 1 || n > SIZE_MAX)
        return bad_value(o, v, "a number of rows from 1 on", err);
    cli->run.max_rows = (size_t)n;
    return true;
}

static bool read_experiment(const struct option *o, const char *v, struct cli *cli,
                            struct abl_err *err)
{
    const struct experiment *named = experiment_named(v);
    if (named) {
        cli->run.experiment = named;
        return true;
    }
    char expected[128] = "";
    for (int e = 0; e < N_EXPERIMENTS; e++)
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%s%s",
                 !e                       ? ""
                 : e + 1 == N_EXPERIMENTS ? " or "
                                          : ", ",
                 experiments[e]->name);
    return bad_value(o, v, expected, err);
}

static bool read_heads(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    cli->run.heads = v;
    return *v || bad_value(o, v, "heads such as 0:2,1:*", err);
}

static bool read_layers(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    cli->run.layers = v;
    return *v || bad_value(o, v, "layers such as 0-2,5", err);
}

static bool read_sets(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    cli->run.sets = v;
    return *v || bad_value(o, v, "sets such as 0:2+0:4;0:2+0:7", err);
}

static bool finite_number(const char *text, double *out)
{
    char *end;
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    *out = c ? strtod_l(text, &end, c) : strtod(text, &end);
    if (c)
        freelocale(c);
    return end != text && !*end && isfinite(*out);
}

static bool read_ablate(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    static const struct {
        const char *name;
        enum ablate_kind kind;
    } kinds[] = { { "zero", ABLATE_SCALE },
                  { "mean", ABLATE_MEAN },
                  { "resample", ABLATE_RESAMPLE },
                  { "patch", ABLATE_PATCH } };
    double scale = 0;
    cli->run.ablation.scale = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(v, kinds[i].name) == 0) {
            cli->run.ablation.kind = kinds[i].kind;
            return true;
        }
    if (strncmp(v, "scale=", 6) != 0 || !finite_number(v + 6, &scale) || fabs(scale) > 1e6)
        return bad_value(o, v, "zero, mean, resample, patch, or scale=S such as scale=0.5", err);
    cli->run.ablation.kind = ABLATE_SCALE;
    cli->run.ablation.scale = (float)scale;
    return true;
}

static bool read_pairs(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    cli->run.pairs = v;
    return *v || bad_value(o, v, "heads of a layer, such as 0:2,4,7", err);
}

static bool read_triplets(const struct option *o, const char *v, struct cli *cli,
                          struct abl_err *err)
{
    cli->run.triplets = v;
    return *v || bad_value(o, v, "heads of a layer, such as 0:2,4,7", err);
}

static bool read_restore(const struct option *o, const char *v, struct cli *cli,
                         struct abl_err *err)
{
    cli->run.restore = v;
    return *v || bad_value(o, v, "heads of the sets, such as 0:2", err);
}

static bool read_controls(const struct option *o, const char *v, struct cli *cli,
                          struct abl_err *err)
{
    uint64_t n;
    if (!whole_number(v, &n) || n > 10000)
        return bad_value(o, v, "a number of random sets from 0 to 10000", err);
    cli->run.n_controls = (uint32_t)n;
    return true;
}

static bool read_positions(const struct option *o, const char *v, struct cli *cli,
                           struct abl_err *err)
{
    cli->run.positions = v;
    return *v || bad_value(o, v, "last, all, each, or numbers such as -1,-3", err);
}

static bool read_direction(const struct option *o, const char *v, struct cli *cli,
                           struct abl_err *err)
{
    if (strcmp(v, "clean->corrupt") == 0)
        cli->run.direction = CLEAN_TO_CORRUPT;
    else if (strcmp(v, "corrupt->clean") == 0)
        cli->run.direction = CORRUPT_TO_CLEAN;
    else
        return bad_value(o, v, "clean->corrupt or corrupt->clean", err);
    return true;
}

// "resid_post,mlp_out"
static bool read_sites(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    cli->run.sites = 0;
    for (const char *at = v; *at;) {
        size_t len = strcspn(at, ",");
        int i = 0;
        while (i < N_SITES
               && (strlen(site_name((enum site)i)) != len
                   || strncmp(at, site_name((enum site)i), len) != 0))
            i++;
        if (i == N_SITES)
            break;
        cli->run.sites |= 1u << i;
        at += len;
        if (!*at++)
            return true;
    }
    return bad_value(
        o, v, "resid_pre, q, k, v, pattern, z, attn_out, mlp_out or resid_post, or several", err);
}

static bool read_value_bias(const struct option *o, const char *v, struct cli *cli,
                            struct abl_err *err)
{
    if (strcmp(v, "folded") == 0)
        cli->run.ablation.value_bias = VALUE_BIAS_FOLDED;
    else if (strcmp(v, "head") == 0)
        cli->run.ablation.value_bias = VALUE_BIAS_HEAD;
    else
        return bad_value(o, v, "folded (the constant part of a head stays) or head (all goes)",
                         err);
    return true;
}

static bool read_bos(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    static const char *const modes[]
        = { [BOS_AUTO] = "auto", [BOS_ALWAYS] = "always", [BOS_NEVER] = "never" };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(v, modes[i]) == 0) {
            cli->run.bos = (enum bos_mode)i;
            return true;
        }
    return bad_value(o, v, "auto, always or never", err);
}

static bool read_compat(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    return compat_parse(v, &cli->run.compat) || bad_value(o, v, "tinylab", err);
}

static bool read_metric(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    return metric_parse(v, &cli->run.metric)
           || bad_value(o, v, "ld, logprob, prob, kl, rank, flip or entropy", err);
}

static bool read_seed(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    return whole_number(v, &cli->run.seed) || bad_value(o, v, "a whole number", err);
}

static bool read_boot(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    uint64_t n;
    if (!whole_number(v, &n) || n < 10 || n > 100000)
        return bad_value(o, v, "a number of bootstrap resamples from 10 to 100000", err);
    cli->run.n_boot = (uint32_t)n;
    return true;
}

static bool read_alpha(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    double a;
    if (!finite_number(v, &a) || !(a > 0 && a < 1))
        return bad_value(o, v, "a level between 0 and 1, such as 0.05", err);
    cli->run.alpha = a;
    return true;
}

static bool read_cluster(const struct option *o, const char *v, struct cli *cli,
                         struct abl_err *err)
{
    cli->run.cluster_by_template = strcmp(v, "template") == 0;
    return cli->run.cluster_by_template || strcmp(v, "prompt") == 0
           || bad_value(o, v, "prompt or template", err);
}

static bool read_holdout(const struct option *o, const char *v, struct cli *cli,
                         struct abl_err *err)
{
    double share;
    if (!finite_number(v, &share) || !(share > 0 && share < 1))
        return bad_value(o, v, "a share of the clusters between 0 and 1, such as 0.5", err);
    cli->run.holdout = share;
    return true;
}

static bool read_skip_bad(const struct option *o, const char *v, struct cli *cli,
                          struct abl_err *err)
{
    (void)o;
    (void)v;
    (void)err;
    cli->run.skip_bad = true;
    return true;
}

static bool read_device(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    cli->run.device = v;
    return *v || bad_value(o, v, "auto, cpu, vulkan or vulkan:N|NAME", err);
}

static bool read_precision(const struct option *o, const char *v, struct cli *cli,
                           struct abl_err *err)
{
    return precision_named(v, &cli->run.precision) || bad_value(o, v, "f32, bf16x3 or f16", err);
}

static bool read_mem(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    unsigned long long n = *v >= '0' && *v <= '9' ? strtoull(v, &end, 10) : 0;
    uint64_t bytes = n;
    bool ok = n && !errno;
    const char *unit = ok && *end ? strchr(units, *end & ~0x20) : NULL;
    if (ok && *end) {
        ok = unit && (!end[1] || strcmp(end + 1, "iB") == 0 || strcmp(end + 1, "B") == 0);
        for (long i = 0; ok && i <= unit - units; i++)
            ok = !__builtin_mul_overflow(bytes, (uint64_t)1024, &bytes);
    }
    if (!ok)
        return bad_value(o, v, "a size such as 512M or 4G", err);
    cli->run.mem = bytes;
    return true;
}

static bool read_threads(const struct option *o, const char *v, struct cli *cli,
                         struct abl_err *err)
{
    uint64_t n;
    if (!whole_number(v, &n) || n > 1024)
        return bad_value(o, v, "a number of threads up to 1024, 0 for all cores", err);
    cli->run.n_threads = (uint32_t)n;
    return true;
}

static bool read_export(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    cli->export_dir = v;
    return *v || bad_value(o, v, "a folder, or - for JSON on standard output", err);
}

static bool read_screenshot(const struct option *o, const char *v, struct cli *cli,
                            struct abl_err *err)
{
    cli->screenshot = v;
    return *v || bad_value(o, v, "a file ending in .svg, .png, .ans or .txt", err);
}

static bool read_tokenizer(const struct option *o, const char *v, struct cli *cli,
                           struct abl_err *err)
{
    if (!*v || cli->n_tokenizers == MAX_ARGS)
        return bad_value(o, v, "a model, or a folder with tokenizer files", err);
    cli->tokenizers[cli->n_tokenizers++] = v;
    return true;
}

static bool read_suffix(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    cli->suffix = v;
    return !strchr(v, '/') || bad_value(o, v, "an ending for file names", err);
}

static bool read_out(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    cli->out_dir = v;
    return *v || bad_value(o, v, "a folder", err);
}

static bool read_balance(const struct option *o, const char *v, struct cli *cli,
                         struct abl_err *err)
{
    uint64_t n;
    if (!whole_number(v, &n) || !n || n > UINT32_MAX)
        return bad_value(o, v, "a number of rows from 1 on", err);
    cli->balance = (uint32_t)n;
    return true;
}

// "0.8,0.1"
static bool read_shares(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    char train[32];
    size_t len = strcspn(v, ",");
    cli->has_shares = true;
    bool ok = len < sizeof train && v[len];
    if (ok) {
        memcpy(train, v, len);
        train[len] = '\0';
        ok = finite_number(train, &cli->train_share) && finite_number(v + len + 1, &cli->val_share);
    }
    return (ok && cli->train_share >= 0 && cli->val_share >= 0
            && cli->train_share + cli->val_share <= 1)
           || bad_value(o, v, "shares of training and validation rows such as 0.8,0.1", err);
}

static bool read_endpoint(const struct option *o, const char *v, struct cli *cli,
                          struct abl_err *err)
{
    cli->endpoint = v;
    return *v || bad_value(o, v, "an address such as https://huggingface.co", err);
}

static bool read_size(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    unsigned w, h;
    char rest;
    if (sscanf(v, "%ux%u%c", &w, &h, &rest) != 2 || w < 80 || h < 24 || w > 1000 || h > 1000)
        return bad_value(o, v, "WIDTHxHEIGHT in cells from 80x24 on", err);
    cli->ui.width = w;
    cli->ui.height = h;
    return true;
}

static bool read_color(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    static const char *const words[]
        = { [COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(v, words[i]) == 0) {
            cli->ui.color = (enum color_when)i;
            return true;
        }
    return bad_value(o, v, "auto, always or never", err);
}

static bool read_span(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    cli->run.whole_answers = strcmp(v, "full") == 0;
    return cli->run.whole_answers || strcmp(v, "first") == 0
           || bad_value(o, v, "first or full", err);
}

static bool read_top_k(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    uint64_t n;
    if (!whole_number(v, &n) || !n || n > UINT32_MAX)
        return bad_value(o, v, "a number of tokens from 1 on", err);
    cli->run.top_k = (uint32_t)n;
    return true;
}

static bool read_limit(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    uint64_t n;
    if (!whole_number(v, &n) || !n || n > UINT32_MAX)
        return bad_value(o, v, "a number of tokens from 1 on", err);
    cli->limit = n;
    return true;
}

static bool read_top_n(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    uint64_t n;
    if (!whole_number(v, &n) || !n || n > UINT32_MAX)
        return bad_value(o, v, "a number of tokens from 1 on", err);
    cli->top_n = n;
    return true;
}

static bool read_kind(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    for (int k = OV_MEAN_OUTPUT; k <= OV_CIRCUIT; k++)
        if (strcmp(v, ov_kind_name((enum ov_kind)k)) == 0) {
            cli->run.ov_kind = (enum ov_kind)k;
            return true;
        }
    return bad_value(o, v, "mean_output or circuit", err);
}

static bool read_source(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    if (!*v || cli->run.n_sources == MAX_ARGS)
        return bad_value(o, v, "a token such as ' Paris', up to 64 times", err);
    cli->sources[cli->run.n_sources++] = v;
    return true;
}

static bool read_profile(const struct option *o, const char *v, struct cli *cli,
                         struct abl_err *err)
{
    (void)o;
    (void)v;
    (void)err;
    cli->run.profile = true;
    return true;
}

static bool read_ascii(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    (void)o;
    (void)v;
    (void)err;
    cli->ui.ascii = true;
    return true;
}

const struct option cli_options[] = {
    { "model", "M", "folder, .gguf file, hub id in the cache, or bundled name (default tiny-gpt2)",
      LAB | CONFIG, read_model, 0, false },
    { "data", "D", "facts, negation, counterfactual, logic, a JSONL file, or - (default facts)",
      LAB, read_data, 0, true },
    { "split", "S", "train, val, test or all (default train where a split file exists)", LAB,
      read_split, 0, false },
    { "rows", "N", "the first N rows", LAB | CONFIG, read_rows, 0, false },
    { "experiment", "E",
      "heads: each head alone (default); sets: joint ablations; patch: activations of the other "
      "prompt put in; partial: sets with heads given back; ov: what heads write; lens: logit lens "
      "and direct effects; attn: where heads look, with detectors on random tokens, and patterns "
      "of "
      "--heads or --layers in every row, else of every head in the first",
      RUN, read_experiment, 0, false },
    { "heads", "L:H,…",
      "only these heads; L:* is a whole layer, *:H a head of each, random:K@SEED K of each layer",
      READ, read_heads, 0, false },
    { "layers", "A-B,…", "only heads of these layers", READ, read_layers, 0, false },
    { "sets", "S;…", "head sets, such as 0:2+0:4;0:2+0:4+0:7", RUN, read_sets, 0, false },
    { "pairs", "L:A,B,…", "sets of two: every pair of these heads of a layer", RUN, read_pairs, 0,
      false },
    { "triplets", "L:A,B,C,…", "sets of three, likewise", RUN, read_triplets, 0, false },
    { "controls", "N", "random sets like each chosen one, as its null (default 20)", RUN,
      read_controls, 0, false },
    { "restore", "L:H,…", "of partial: only these heads are given back", RUN, read_restore, 0,
      false },
    { "patch-site", "S,…", "resid_pre q k v pattern z attn_out mlp_out resid_post (default)", RUN,
      read_sites, 0, false },
    { "direction", "D", "of patch: clean->corrupt (default) or corrupt->clean", RUN, read_direction,
      0, false },
    { "positions", "P", "of patch, from the end: last (default), all, each, or -1,-3", RUN,
      read_positions, 0, false },
    { "ablate", "K", "zero (default), scale=S, mean, resample or patch", RUN | VERIFY, read_ablate,
      0, false },
    { "value-bias", "B", "folded (default): a head's constant part stays; head: everything goes",
      READ | VERIFY, read_value_bias, 0, false },
    { "bos", "B", "auto (default), always or never put the BOS token first", LAB, read_bos, 0,
      false },
    { "compat", "WHOM",
      "tinylab: pad prompts and read behind the padding as it did, to compare with its figures; "
      "of variants: draw splits as it did",
      READ | CONFIG | VARIANTS, read_compat, 0, false },
    { "metric", "M", "shown first: ld (default) logprob prob kl rank flip entropy", RUN,
      read_metric, 0, false },
    { "seed", "N", "of everything that is drawn (default 0)", READ | VERIFY | VARIANTS, read_seed,
      0, false },
    { "span", "S", "answers are one token (first, default), or scored whole (full)", RUN | VERIFY,
      read_span, 0, false },
    { "boot", "N", "bootstrap resamples (default 1000)", RUN | CONFIG, read_boot, 0, false },
    { "alpha", "A", "level of intervals and of q (default 0.05)", RUN, read_alpha, 0, false },
    { "cluster", "F", "resample over distinct prompts (prompt, default) or over templates",
      RUN | CHECK, read_cluster, 0, false },
    { "holdout", "F",
      "keep this share of the clusters to confirm what the others find: metrics/holdout.csv", RUN,
      read_holdout, 0, false },
    { "skip-bad", NULL, "leave out rows that pre-flight refuses, and say how many", LAB | CONFIG,
      read_skip_bad, 0, false },
    { "device", "D", "auto (default) cpu vulkan vulkan:N vulkan:NAME", READ | CONFIG | VERIFY,
      read_device, 0, false },
    { "precision", "P",
      "f32 (default); bf16x3: three bf16 products, faster where the CPU has AMX; f16: matrices in "
      "half the memory of a Vulkan device, multiplied by its cooperative matrices if it has them",
      READ | CONFIG | VERIFY, read_precision, 0, false },
    { "mem", "SIZE", "for activations, and for weights, which stream if larger",
      READ | CONFIG | VERIFY, read_mem, 0, false },
    { "threads", "N", "of the cpu engine (default all cores)", READ | CONFIG | VERIFY, read_threads,
      0, false },
    { "kind", "K", "of ov: mean_output (default) or circuit", READ, read_kind, 0, false },
    { "top-k", "N", "of ov: tokens at either end (default 100)", READ, read_top_k, 0, false },
    { "source", "TOKEN", "of ov circuits: a token that enters (default the rows' targets); repeats",
      READ, read_source, 0, true },
    { "limit", "N", "look at the first N tokens of each list only", CLUSTER, read_limit, 0, false },
    { "top-n", "N", "show the N most frequent tokens (default 40)", CLUSTER, read_top_n, 0, false },
    { "profile", NULL, "time every operation: metrics/profile.json and artifacts/trace.json",
      RUN | CONFIG, read_profile, 0, false },
    { "export", "DIR", "run without a terminal and write the run directory; - prints JSON",
      READ | REBUILD | CONFIG, read_export, 0, false },
    { "screenshot", "FILE", "run, draw the explorer's screen into FILE (.svg .png .ans .txt)", RUN,
      read_screenshot, 0, false },
    { "size", "WxH", "of the screenshot in cells (default 200x60)", RUN, read_size, 0, false },
    { "color", "WHEN",
      "on the explorer's screen: auto (default; not where NO_COLOR is set) always never", RUN,
      read_color, 0, false },
    { "ascii", NULL, "only ASCII characters on the explorer's screen", RUN, read_ascii, 0, false },
    { "json", NULL, "results as JSON on standard output", ALL, read_flag, CLI_JSON, false },
    { "dry-run", NULL, "say what would be done and what it costs; do nothing",
      RUN | CONFIG | VARIANTS, read_flag, CLI_DRY_RUN, false },
    { "tokenizer", "T", "a model, or a folder with tokenizer files; check takes several",
      VARIANTS | CHECK, read_tokenizer, 0, true },
    { "suffix", "S", "behind the names of the files (default the tokenizer's name)", VARIANTS,
      read_suffix, 0, false },
    { "out", "DIR",
      "where the files go (default here); of cluster and compare the file (default standard "
      "output)",
      VARIANTS | CLUSTER | COMPARE, read_out, 0, false },
    { "balance", "N", "at most N rows a target", VARIANTS, read_balance, 0, false },
    { "shares", "T,V",
      "with --compat tinylab: shares of training and validation rows (default 0.8,0.1)", VARIANTS,
      read_shares, 0, false },
    { "endpoint", "URL", "of the hub to pull from (default https://huggingface.co)", PULL,
      read_endpoint, 0, false },
    { "damage", NULL, "damage a weight on the checked device: verify must notice", VERIFY,
      read_flag, CLI_DAMAGE, false },
    { "quiet", NULL, "no progress and no summary", ALL, read_flag, CLI_QUIET, false },
    { "help", NULL, "this text", ALL, read_flag, CLI_HELP, false },
    { "version", NULL, "version and libraries", ALL, read_flag, CLI_VERSION, false },
};

const size_t n_cli_options = sizeof cli_options / sizeof *cli_options;
