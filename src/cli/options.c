#include "cli/options.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/metrics.h"

struct command_info {
    const char *name, *usage, *about;
};

static const struct command_info commands[N_COMMANDS] = {
    [COMMAND_RUN]
    = { NULL, "[OPTIONS]", "open the explorer; with --export, run without a terminal" },
    [COMMAND_CHECK]
    = { "check", "DATA [OPTIONS]", "pre-flight lint of a dataset under a model's tokenizer" },
    [COMMAND_VERIFY]
    = { "verify", "[OPTIONS]", "a slice on every engine against a double-precision reference" },
    [COMMAND_MODELS] = { "models", "[--json]", "models that are here" },
    [COMMAND_DEVICES] = { "devices", "[--json]", "what can compute" },
    [COMMAND_VARIANTS]
    = { "variants", "DATA… --tokenizer T", "corpora cut to what fits a tokenizer" },
    [COMMAND_PULL] = { "pull", "ID[@REV][:FILE]", "fetch a checkpoint from the Hugging Face hub" },
};

enum {
    RUN = 1 << COMMAND_RUN,
    CHECK = 1 << COMMAND_CHECK,
    VERIFY = 1 << COMMAND_VERIFY,
    MODELS = 1 << COMMAND_MODELS,
    DEVICES = 1 << COMMAND_DEVICES,
    LAB = RUN | CHECK | VERIFY,
    PULL = 1 << COMMAND_PULL,
    VARIANTS = 1 << COMMAND_VARIANTS,
    ALL = LAB | MODELS | DEVICES | PULL | VARIANTS
};

struct option;

// Read an option's value (NULL for a flag) into the struct; text errors name what was expected.
typedef bool option_reader(const struct option *o, const char *value, struct cli *cli,
                           struct abl_err *err);

struct option {
    const char *name;  // without the dashes
    const char *value; // "M" in the help; NULL for a flag
    const char *help;
    unsigned commands; // where it means something
    option_reader *read;
    unsigned flag; // for read_flag
    bool repeats;  // may be given several times
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
    cli->run.data = v;
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
    for (int e = 0; e < N_EXPERIMENTS; e++)
        if (strcmp(v, experiment_name((enum experiment)e)) == 0) {
            cli->run.experiment = (enum experiment)e;
            return true;
        }
    return bad_value(o, v, "heads, sets, patch or partial", err);
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
        at += len + (at[len] == ',');
        if (!*at)
            return true;
    }
    return bad_value(o, v, "resid_pre, q, k, v, z, attn_out, mlp_out or resid_post, or several",
                     err);
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
    (void)cli;
    return strcmp(v, "f32") == 0 || bad_value(o, v, "f32", err);
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

static bool read_ascii(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    (void)o;
    (void)v;
    (void)err;
    cli->ui.ascii = true;
    return true;
}

static const struct option options[] = {
    { "model", "M", "folder, .gguf file, hub id in the cache, or bundled name (default tiny-gpt2)",
      LAB, read_model, 0, false },
    { "data", "D", "facts, negation, counterfactual, logic, a JSONL file, or - (default facts)",
      LAB, read_data, 0, false },
    { "split", "S", "train, val, test or all (default train where a split file exists)", LAB,
      read_split, 0, false },
    { "rows", "N", "the first N rows", LAB, read_rows, 0, false },
    { "experiment", "E",
      "heads: each head alone (default); sets: joint ablations; partial: sets with heads given "
      "back; "
      "patch: activations of the other prompt put in",
      RUN, read_experiment, 0, false },
    { "heads", "L:H,…", "only these heads; L:* is a whole layer", RUN, read_heads, 0, false },
    { "layers", "A-B,…", "only heads of these layers", RUN, read_layers, 0, false },
    { "sets", "S;…", "head sets, such as 0:2+0:4;0:2+0:4+0:7", RUN, read_sets, 0, false },
    { "pairs", "L:A,B,…", "sets of two: every pair of these heads of a layer", RUN, read_pairs, 0,
      false },
    { "triplets", "L:A,B,C,…", "sets of three, likewise", RUN, read_triplets, 0, false },
    { "controls", "N", "random sets like each chosen one, as its null (default 20)", RUN,
      read_controls, 0, false },
    { "restore", "L:H,…", "of partial: only these heads are given back", RUN, read_restore, 0,
      false },
    { "patch-site", "S,…", "resid_pre q k v z attn_out mlp_out resid_post (default)", RUN,
      read_sites, 0, false },
    { "direction", "D", "of patch: clean->corrupt (default) or corrupt->clean", RUN, read_direction,
      0, false },
    { "positions", "P", "of patch, from the end: last (default), all, each, or -1,-3", RUN,
      read_positions, 0, false },
    { "ablate", "K", "zero (default), scale=S, mean, resample or patch", RUN | VERIFY, read_ablate,
      0, false },
    { "value-bias", "B", "folded (default): a head's constant part stays; head: everything goes",
      RUN | VERIFY, read_value_bias, 0, false },
    { "bos", "B", "auto (default), always or never put the BOS token first", LAB, read_bos, 0,
      false },
    { "metric", "M", "shown first: ld (default) logprob prob kl rank flip entropy", RUN,
      read_metric, 0, false },
    { "seed", "N", "of everything that is drawn (default 0)", RUN | VERIFY | VARIANTS, read_seed, 0,
      false },
    { "boot", "N", "bootstrap resamples (default 1000)", RUN, read_boot, 0, false },
    { "alpha", "A", "level of intervals and of q (default 0.05)", RUN, read_alpha, 0, false },
    { "cluster", "F", "resample over distinct prompts (prompt, default) or over templates", RUN,
      read_cluster, 0, false },
    { "skip-bad", NULL, "leave out rows that pre-flight refuses, and say how many", LAB,
      read_skip_bad, 0, false },
    { "device", "D", "auto (default) cpu vulkan vulkan:N vulkan:NAME", RUN | VERIFY, read_device, 0,
      false },
    { "precision", "P", "f32", RUN | VERIFY, read_precision, 0, false },
    { "mem", "SIZE", "for activations, and for weights, which stream if larger", RUN | VERIFY,
      read_mem, 0, false },
    { "threads", "N", "of the cpu engine (default all cores)", RUN | VERIFY, read_threads, 0,
      false },
    { "export", "DIR", "run without a terminal and write the run directory; - prints JSON", RUN,
      read_export, 0, false },
    { "screenshot", "FILE", "run, draw the explorer's screen into FILE (.svg .png .ans .txt)", RUN,
      read_screenshot, 0, false },
    { "size", "WxH", "of the screenshot in cells (default 200x60)", RUN, read_size, 0, false },
    { "color", "WHEN",
      "on the explorer's screen: auto (default; not where NO_COLOR is set) always never", RUN,
      read_color, 0, false },
    { "ascii", NULL, "only ASCII characters on the explorer's screen", RUN, read_ascii, 0, false },
    { "json", NULL, "results as JSON on standard output", ALL, read_flag, CLI_JSON, false },
    { "dry-run", NULL, "say what would be done and what it costs; do nothing", RUN | VARIANTS,
      read_flag, CLI_DRY_RUN, false },
    { "tokenizer", "T", "a model, or a folder with tokenizer files; check takes several",
      VARIANTS | CHECK, read_tokenizer, 0, true },
    { "suffix", "S", "behind the names of the files (default the tokenizer's name)", VARIANTS,
      read_suffix, 0, false },
    { "out", "DIR", "where the files go (default here)", VARIANTS, read_out, 0, false },
    { "balance", "N", "at most N rows a target", VARIANTS, read_balance, 0, false },
    { "endpoint", "URL", "of the hub to pull from (default https://huggingface.co)", PULL,
      read_endpoint, 0, false },
    { "damage", NULL, "damage a weight on the checked device: verify must notice", VERIFY,
      read_flag, CLI_DAMAGE, false },
    { "quiet", NULL, "no progress and no summary", ALL, read_flag, CLI_QUIET, false },
    { "help", NULL, "this text", ALL, read_flag, CLI_HELP, false },
    { "version", NULL, "version and libraries", ALL, read_flag, CLI_VERSION, false },
};

enum { N_OPTIONS = sizeof options / sizeof *options };

// Levenshtein distance, for "did you mean"; words beyond 31 bytes are not compared.
static size_t distance(const char *a, const char *b)
{
    size_t row[32], n = strlen(b);
    if (n >= 32 || strlen(a) >= 32)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 1; j <= n; j++) {
            size_t above = row[j], best = diagonal + (a[i] != b[j - 1]);
            best = above + 1 < best ? above + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[n];
}

static bool unknown_option(const char *name, struct abl_err *err)
{
    const char *nearest = NULL;
    size_t best = 3;
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (distance(name, options[i].name) < best) {
            best = distance(name, options[i].name);
            nearest = options[i].name;
        }
    if (nearest)
        return abl_fail(err, ABL_USAGE, "unknown option --%s: did you mean --%s?", name, nearest);
    return abl_fail(err, ABL_USAGE, "unknown option --%s: see 'abltui --help'", name);
}

static bool unknown_command(const char *name, struct abl_err *err)
{
    for (int i = 1; i < N_COMMANDS; i++)
        if (distance(name, commands[i].name) < 3)
            return abl_fail(err, ABL_USAGE, "unknown command '%s': did you mean '%s'?", name,
                            commands[i].name);
    return abl_fail(
        err, ABL_USAGE,
        "unknown command '%s': expected check, verify, models, devices, pull or variants", name);
}

// "--name", "--name=value", "-h", "-q": cut into name and value; false for anything else.
static bool split_option(char *arg, char name[64], const char **value)
{
    static const char *const letters[][2]
        = { { "-h", "help" }, { "-q", "quiet" }, { "-V", "version" } };
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (strcmp(arg, letters[i][0]) == 0) {
            strcpy(name, letters[i][1]);
            *value = NULL;
            return true;
        }
    if (arg[0] != '-' || arg[1] != '-' || !arg[2])
        return false;
    const char *equals = strchr(arg, '=');
    size_t len = equals ? (size_t)(equals - arg) - 2 : strlen(arg) - 2;
    if (len >= 64)
        len = 63;
    memcpy(name, arg + 2, len);
    name[len] = '\0';
    *value = equals ? equals + 1 : NULL;
    return true;
}

struct parser {
    int argc;
    char **argv;
    int at;
    bool seen[N_OPTIONS];
    struct cli *cli;
    struct abl_err *err;
};

static bool apply_option(struct parser *p, size_t number, const char *value)
{
    const struct option *o = &options[number];
    if (p->seen[number] && o->value && !o->repeats)
        return abl_fail(p->err, ABL_USAGE, "--%s is given twice: expected once", o->name);
    p->seen[number] = true;
    if (!(o->commands & 1u << p->cli->command))
        return abl_fail(p->err, ABL_USAGE, "--%s does nothing for '%s': see 'abltui %s --help'",
                        o->name, commands[p->cli->command].name, commands[p->cli->command].name);
    if (!o->value && value)
        return abl_fail(p->err, ABL_USAGE, "--%s takes no value: found '%s'", o->name, value);
    if (o->value && !value) {
        if (p->at >= p->argc)
            return abl_fail(p->err, ABL_USAGE, "--%s needs a value: %s", o->name, o->help);
        value = p->argv[p->at++];
    }
    return o->read(o, value, p->cli, p->err);
}

static bool parse_argument(struct parser *p, char *arg)
{
    char name[64];
    const char *value;
    if (split_option(arg, name, &value)) {
        for (size_t i = 0; i < N_OPTIONS; i++)
            if (strcmp(name, options[i].name) == 0)
                return apply_option(p, i, value);
        return unknown_option(name, p->err);
    }
    bool takes = p->cli->command == COMMAND_CHECK || p->cli->command == COMMAND_PULL;
    if (takes && !p->cli->data_arg && (arg[0] != '-' || !arg[1])) {
        p->cli->data_arg = p->cli->run.data = arg;
        return true;
    }
    if (p->cli->command == COMMAND_VARIANTS && (arg[0] != '-' || !arg[1])) {
        if (p->cli->n_data_args == MAX_ARGS)
            return abl_fail(p->err, ABL_USAGE, "more than %d corpora: run it several times",
                            MAX_ARGS);
        p->cli->data_args[p->cli->n_data_args++] = arg;
        return true;
    }
    if (arg[0] == '-')
        return abl_fail(p->err, ABL_USAGE, "unknown option '%s': see 'abltui --help'", arg);
    return abl_fail(p->err, ABL_USAGE, "unexpected argument '%s': options start with --", arg);
}

// Options that only mean something together.
static bool check_together(const struct cli *cli, struct abl_err *err)
{
    const struct run_settings *r = &cli->run;
    bool by_sets = r->experiment == EXPERIMENT_SETS || r->experiment == EXPERIMENT_PARTIAL;
    bool has_sets = r->sets || r->pairs || r->triplets;
    if (has_sets && !by_sets)
        return abl_fail(err, ABL_USAGE,
                        "--sets, --pairs and --triplets need --experiment sets or partial");
    if (by_sets && (r->heads || r->layers))
        return abl_fail(err, ABL_USAGE,
                        "--heads and --layers choose single heads: --experiment %s "
                        "takes its heads from --sets",
                        experiment_name(r->experiment));
    if (by_sets && !has_sets && cli->command == COMMAND_RUN)
        return abl_fail(err, ABL_USAGE,
                        "--experiment %s needs --sets, such as --sets 0:2+0:4;0:2+0:7, or --pairs "
                        "0:2,4,7",
                        experiment_name(r->experiment));
    if (r->restore && r->experiment != EXPERIMENT_PARTIAL)
        return abl_fail(err, ABL_USAGE, "--restore needs --experiment partial");
    if (r->experiment != EXPERIMENT_PATCH
        && (r->positions || r->direction || r->sites != 1u << SITE_RESID_POST))
        return abl_fail(err, ABL_USAGE,
                        "--patch-site, --direction and --positions need --experiment patch");
    if (r->experiment == EXPERIMENT_PATCH && (r->ablation.kind || r->ablation.scale != 0))
        return abl_fail(err, ABL_USAGE,
                        "--experiment patch puts activations in: --ablate has no meaning there");
    if (cli->screenshot && cli->export_dir)
        return abl_fail(err, ABL_USAGE, "--screenshot and --export exclude one another: run twice");
    return true;
}

bool cli_parse(int argc, char **argv, struct cli *out, struct abl_err *err)
{
    struct cli cli = { .ui = { .width = 200, .height = 60 } };
    run_settings_default(&cli.run);
    struct parser p = { .argc = argc, .argv = argv, .at = 1, .cli = &cli, .err = err };
    if (argc > 1 && argv[1][0] != '-') {
        for (int i = 1; i < N_COMMANDS && !cli.command; i++)
            if (strcmp(argv[1], commands[i].name) == 0)
                cli.command = (enum command)i;
        if (!cli.command)
            return unknown_command(argv[1], err);
        p.at = 2;
    }
    while (p.at < argc)
        if (!parse_argument(&p, argv[p.at++]))
            return false;
    if (!(cli.flags & (CLI_HELP | CLI_VERSION)) && !check_together(&cli, err))
        return false;
    *out = cli;
    return true;
}

void cli_help(FILE *to, enum command command)
{
    const struct command_info *c = &commands[command];
    fprintf(to, "abltui%s%s %s\n  %s\n\n", c->name ? " " : "", c->name ? c->name : "", c->usage,
            c->about);
    if (command == COMMAND_RUN) {
        fputs("  abltui                                  explore the bundled model\n"
              "  abltui --model ./gpt2 --data logic      a checkpoint folder, another condition\n"
              "  abltui --export out --data facts        the head sweep, headless, into out/\n"
              "  abltui --export - --experiment sets --sets 0:2+0:4 | jq .\n\nCommands:\n",
              to);
        for (int i = 1; i < N_COMMANDS; i++)
            fprintf(to, "  %-8s %-16s %s\n", commands[i].name, commands[i].usage,
                    commands[i].about);
        fputs("\n", to);
    }
    fputs("Options:\n", to);
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct option *o = &options[i];
        if (!(o->commands & 1u << command))
            continue;
        int used
            = fprintf(to, "  --%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
        for (const char *u = o->value; u && *u; u++)
            used -= (*u & 0xc0) == 0x80; // bytes that continue a character take no column
        fprintf(to, "%*s%s\n", used < 24 ? 24 - used : 1, "", o->help);
    }
    fputs("\nExit codes: 0 done, 1 failed, 2 usage, 3 bad data, 4 model missing or unsupported, "
          "5 self-check failed, 130 interrupted\n",
          to);
}
