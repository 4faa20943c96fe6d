#include "cli/option_table.h"

#include <stdint.h>
#include <stdio.h>

#include "base/names.h"
#include "cli/option_readers.h"
#include "engine/precision.h"
#include "experiments/experiments.h"
#include "stats/metrics.h"
#include "text/clusters.h"

const struct command_info cli_commands[N_COMMANDS] = {
    [COMMAND_RUN]
    = { NULL, "[DIR…] [OPTIONS]",
        "open the explorer, of runs in folders; with --export, run without a terminal",
        MAX_OPERANDS },
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
    [COMMAND_MERGE] = { "merge", "DIR… [--export DIR]",
                        "shards joined into the run that they are of", MAX_OPERANDS },
    [COMMAND_RUNS]
    = { "runs", "[DIR] [--json]", "the runs in a folder (default runs), and how far they are", 1 },
    [COMMAND_REBUILD] = { "rebuild", "RUN… --export DIR",
                          "tables over several conditions from their runs", MAX_OPERANDS },
    [COMMAND_LAB_TABLES] = { "lab-tables", "RUN… --out DIR",
                             "a run's tables as tinyLab's harness writes them", MAX_OPERANDS },
    [COMMAND_COMPARE]
    = { "compare", "REPORT REPORT…", "which heads agree between OV reports", MAX_ARGS },
    [COMMAND_SAY] = { "say", "--prompt TEXT [--heads L:H,…]",
                      "continue a prompt, intact and with heads ablated", 0 },
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
    LAB_TABLES = 1 << COMMAND_LAB_TABLES,
    CONFIG = 1 << COMMAND_CONFIG,
    MERGE = 1 << COMMAND_MERGE,
    RUNS = 1 << COMMAND_RUNS,
    SAY = 1 << COMMAND_SAY,
    LAB = RUN | CHECK | VERIFY | OV | SAY,
    READ = RUN | OV,
    PULL = 1 << COMMAND_PULL,
    VARIANTS = 1 << COMMAND_VARIANTS,
    ALL = LAB | CLUSTER | COMPARE | REBUILD | MERGE | LAB_TABLES | CONFIG | MODELS | DEVICES | PULL
          | VARIANTS | RUNS | SAY
};

static const char *color_name(size_t when)
{
    static const char *const names[]
        = { [COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never" };
    return when < sizeof names / sizeof *names ? names[when] : NULL;
}

// What --help says where it names what a list has.
static void experiment_help(char *out, size_t size)
{
    size_t len = 0;
    for (int i = 0; i < N_EXPERIMENTS && len < size; i++) {
        const struct experiment *e = experiments[i];
        len += (size_t)snprintf(out + len, size - len, "%s%s: %s%s", i ? "; " : "", e->name,
                                e->help ? e->help : e->about, i ? "" : " (default)");
    }
}

static void ablate_help(char *out, size_t size)
{
    char others[NAMES_SIZE];
    snprintf(out, size, "%s (default), scale=S, %s; several in one plan: zero,mean",
             ablation_kind_name(0),
             names_join(ablation_kind_name, 1, ", ", " or ", others, sizeof others));
}

static void site_help(char *out, size_t size)
{
    char sites[NAMES_SIZE];
    snprintf(out, size, "%s (default)", names_join(site_name, 0, " ", " ", sites, sizeof sites));
}

static void metric_help(char *out, size_t size)
{
    char others[NAMES_SIZE];
    snprintf(out, size, "shown first: %s (default) %s", metric_name(0),
             names_join(metric_name, 1, " ", " ", others, sizeof others));
}

const char *option_help(const struct option *o, char out[OPTION_HELP_SIZE])
{
    if (!o->make_help)
        return o->help;
    o->make_help(out, OPTION_HELP_SIZE);
    return out;
}

// Where an option's value goes in struct cli.
#define AT(field) .at = offsetof(struct cli, field), .size = sizeof(((struct cli *)0)->field)

const struct option cli_options[] = {
    { "model", "M", "folder, .gguf file, hub id in the cache, or bundled name (default tiny-gpt2)",
      LAB | CONFIG, option_text, AT(run.model), .expected = "a folder or a bundled name",
      .is_path = true },
    { "data", "D",
      "facts, negation, counterfactual, logic, ioi, a file of rows (.jsonl .csv .tsv .json "
      ".parquet), or - (default facts)",
      LAB, option_data, .expected = "a bundled condition, a file of rows or -", .repeats = true,
      .is_path = true },
    { "map", "FIELD=NAME,…",
      "what the data's file calls clean, target, foil, corrupt, id, template, cluster, spans",
      LAB | VARIANTS, option_map, .expected = "fields and what a file calls them" },
    { "template", "TEXT",
      "prompts made of a text such as 'When {A} and {B} met, {B} thanked' and the values of "
      "--slots; "
      "repeats",
      LAB, option_template, .expected = "a text with slots such as {A}", .repeats = true },
    { "corrupt", "TEXT", "of --template: the corrupt prompt, likewise; one for each --template",
      LAB, option_corrupt, .expected = "a text with slots such as {A}", .repeats = true },
    { "slots", "FILE",
      "of --template: a table with a column a slot, each value of which is crossed with each of "
      "the others; --map target=SLOT,foil=SLOT says what answers",
      LAB, option_text, AT(run.templates.slots), .expected = "a file of slots (.csv .tsv .json)",
      .is_path = true },
    { "split", "S", "train, val, test or all (default train where a split file exists)", LAB,
      option_name, AT(run.split), .names = split_name, .first = SPLIT_TRAIN },
    { "rows", "N", "the first N rows", LAB | CONFIG, option_count, AT(run.max_rows), .least = 1,
      .most = SIZE_MAX, .expected = "a number of rows from 1 on" },
    { "experiment", "E", NULL, RUN, option_experiment, .make_help = experiment_help },
    { "heads", "L:H,…",
      "only these heads; L:* is a whole layer, *:H a head of each, random:K@SEED K of each layer, "
      "@FILE what a file says",
      READ | SAY, option_heads, AT(run.heads), .expected = "heads such as 0:2,1:*" },
    { "layers", "A-B,…", "only heads of these layers", READ, option_text, AT(run.layers),
      .expected = "layers such as 0-2,5" },
    { "sets", "S;…", "head sets, such as 0:2+0:4;0:2+0:4+0:7; @FILE reads them, line by line", RUN,
      option_heads, AT(run.sets), .expected = "sets such as 0:2+0:4;0:2+0:7" },
    { "pairs", "L:A,B,…", "sets of two: every pair of these heads of a layer", RUN, option_heads,
      AT(run.pairs), .expected = "heads of a layer, such as 0:2,4,7" },
    { "triplets", "L:A,B,C,…", "sets of three, likewise", RUN, option_heads, AT(run.triplets),
      .expected = "heads of a layer, such as 0:2,4,7" },
    { "controls", "N", "random sets like each chosen one, as its null (default 20)", RUN,
      option_count, AT(run.n_controls), .least = 0, .most = 10000,
      .expected = "a number of random sets from 0 to 10000" },
    { "restore", "L:H,…",
      "of partial: only these heads are given back; others are held at their intact value", RUN,
      option_heads, AT(run.restore), .expected = "heads such as 0:2" },
    { "patch-site", "S,…", NULL, RUN, option_bits, .make_help = site_help, AT(run.sites),
      .names = site_name },
    { "direction", "D", "of patch: clean->corrupt (default) or corrupt->clean", RUN, option_name,
      AT(run.direction), .names = direction_name },
    { "positions", "P",
      "where heads are ablated (default all), activations patched or saved: last, all, each, diff, "
      "END, -1, 0, NAME:last, …",
      RUN, option_text, AT(run.positions),
      .expected = "last, all, each, diff, END, NAME:last of a span, or numbers such as -1,-3" },
    { "save", "S,…",
      "activations of the intact run, of sites as --patch-site has, at --positions (default last) "
      "of --layers: artifacts/activations.safetensors",
      RUN, option_bits, AT(run.save), .names = site_name },
    { "yes", NULL, "--save even if that is more than --mem, or 1 GiB", RUN, option_true,
      AT(run.yes) },
    { "ablate", "K,…", NULL, RUN | VERIFY | SAY, option_ablate, .make_help = ablate_help },
    { "donors", "N", "of resample: rows that each row takes from, averaged (default 5)",
      RUN | VERIFY, option_count, AT(run.n_donors), .least = 1, .most = MAX_DONORS,
      .expected = "a number of donors from 1 to 60" },
    { "donor-from", "WHOM",
      "of resample: rows of another target (other-target, default), same-template, or any",
      RUN | VERIFY, option_name, AT(run.donor_from), .names = donor_from_name },
    { "value-bias", "B", "folded (default): a head's constant part stays; head: everything goes",
      READ | VERIFY | SAY, option_name, AT(run.ablation.value_bias), .names = value_bias_name,
      .expected = "folded (the constant part of a head stays) or head (all goes)" },
    { "bos", "B", "auto (default), always or never put the BOS token first", LAB, option_name,
      AT(run.bos), .names = bos_mode_name },
    { "like", "WHO",
      "transformers-5 (default) or transformers-4: read the model's files as that version does",
      LAB | CONFIG | VARIANTS, option_name, AT(run.like), .names = owner_name },
    { "compat", "WHOM",
      "tinylab: pad prompts and read behind the padding as it did, to compare with its figures; of "
      "variants: draw splits as it did",
      READ | CONFIG | VARIANTS, option_name, AT(run.compat), .names = compat_name,
      .first = COMPAT_TINYLAB },
    { "metric", "M", NULL, RUN, option_name, .make_help = metric_help, AT(run.metric),
      .names = metric_name },
    { "seed", "N", "of everything that is drawn (default 0)", READ | VERIFY | VARIANTS | SAY,
      option_count, AT(run.seed), .least = 0, .most = UINT64_MAX, .expected = "a whole number" },
    { "span", "S",
      "answers are one token (first, default), or scored whole (full), with --compat tinylab by "
      "its "
      "seq_ metrics",
      RUN | VERIFY, option_name, AT(run.whole_answers), .names = span_name },
    { "answers", "RULE",
      "where target or foil is a list, ld is of the mean of its logits (mean, default) or of their "
      "log-sum-exp (lse)",
      RUN | VERIFY, option_name, AT(run.answers), .names = answer_rule_name },
    { "foil", "RULE",
      "of rows without a foil: top:K, the K tokens that the intact model ranks highest beside the "
      "targets; others:K, K targets of other rows, by --seed; they count by --answers",
      RUN | CHECK, option_foil, .expected = "top:K or others:K, K from 1 to 1000" },
    { "boot", "N", "bootstrap resamples (default 1000)", RUN | CONFIG, option_count, AT(run.n_boot),
      .least = 10, .most = 100000,
      .expected = "a number of bootstrap resamples from 10 to 100000" },
    { "alpha", "A", "level of intervals and of q (default 0.05)", RUN, option_share, AT(run.alpha),
      .expected = "a level between 0 and 1, such as 0.05" },
    { "cluster", "F",
      "resample and hold out by cluster, template or prompt; auto (default): what rows give as "
      "cluster, else templates where there are 8 or more, else distinct prompts",
      RUN | CHECK, option_name, AT(run.cluster), .names = cluster_name },
    { "by", "F",
      "effects by the values of a field of the rows, such as template: metrics/by_group.csv", RUN,
      option_text, AT(run.fields.by), .expected = "the name of a field of the rows" },
    { "min-effect", "X",
      "what an effect must reach to matter, a share of |intact|: 2% (default), 0.05, 0 for none",
      RUN, option_part, AT(run.min_effect),
      .expected = "a share of the intact mean such as 2% or 0.02" },
    { "holdout", "F",
      "keep this share of the clusters to confirm what the others find: metrics/holdout.csv", RUN,
      option_share, AT(run.holdout),
      .expected = "a share of the clusters between 0 and 1, such as 0.5" },
    { "skip-bad", NULL, "leave out rows that pre-flight refuses, and say how many", LAB | CONFIG,
      option_true, AT(run.skip_bad) },
    { "fix-spaces", NULL,
      "give targets and foils that lack it their leading space, in all rows, and say how many", LAB,
      option_true, AT(run.fix_spaces) },
    { "device", "D", "auto (default) cpu vulkan vulkan:N vulkan:NAME", READ | CONFIG | VERIFY | SAY,
      option_text, AT(run.device), .expected = "auto, cpu, vulkan or vulkan:N|NAME" },
    { "precision", "P",
      "f32 (default); bf16x3: three bf16 products, faster where the CPU has AMX; f16: matrices in "
      "half the memory of a Vulkan device, multiplied by its cooperative matrices if it has them",
      READ | CONFIG | VERIFY | SAY, option_name, AT(run.precision), .names = precision_name },
    { "weights", "W",
      "auto (default): f32 where that fits in half of memory, else stored; stored: they stay in "
      "their files, as bf16, Q4_K or whatever they are, and are widened to be multiplied, by the "
      "cpu to the same bits",
      READ | CONFIG | VERIFY | SAY, option_name, AT(run.weights), .names = weights_form_name,
      .is_manner = true },
    { "mem", "SIZE", "for activations, and for weights, which stream if larger",
      READ | CONFIG | VERIFY | SAY, option_bytes, AT(run.mem), .least = 1, .most = UINT64_MAX,
      .expected = "a size such as 512M or 4G", .is_manner = true },
    { "threads", "N", "of the cpu engine (all cores; at most 4 each)", READ | CONFIG | VERIFY | SAY,
      option_count, AT(run.n_threads), .least = 0, .most = 1024,
      .expected = "a number of threads up to 1024, 0 for all cores", .is_manner = true },
    { "kind", "K", "of ov: mean_output (default) or circuit", READ, option_name, AT(run.ov_kind),
      .names = ov_kind_name },
    { "top-k", "N", "of ov: tokens at either end (default 100)", READ, option_count, AT(run.top_k),
      .least = 1, .most = UINT32_MAX, .expected = "a number of tokens from 1 on" },
    { "source", "TOKEN", "of ov circuits: a token that enters (default the rows' targets); repeats",
      READ, option_source, .expected = "a token such as ' Paris', up to 64 times",
      .repeats = true },
    { "limit", "N", "look at the first N tokens of each list only", CLUSTER, option_count,
      AT(limit), .least = 1, .most = UINT32_MAX, .expected = "a number of tokens from 1 on" },
    { "top-n", "N", "show the N most frequent tokens (default 40)", CLUSTER, option_count,
      AT(top_n), .least = 1, .most = UINT32_MAX, .expected = "a number of tokens from 1 on" },
    { "profile", NULL, "time every operation: metrics/profile.json and artifacts/trace.json",
      RUN | CONFIG, option_true, AT(run.profile) },
    { "export", "DIR", "run without a terminal and write the run directory; - prints JSON",
      READ | REBUILD | CONFIG | MERGE, option_text, AT(export_dir),
      .expected = "a folder, or - for JSON on standard output", .is_path = true,
      .is_manner = true },
    { "resume", NULL,
      "go on with the run in --export's folder, where it was ended; alone it takes its options "
      "from "
      "there",
      READ | CONFIG, option_flag, .flag = CLI_RESUME, .is_manner = true },
    { "stop-after", "T", "end a run after that time, so that --resume goes on with it",
      READ | CONFIG, option_duration, AT(stop_after),
      .expected = "a time such as 90s, 50m, 12h or 7d", .is_manner = true },
    { "shard", "I/N",
      "run the I-th of N shards into --export's folder, for 'abltui merge'; slurm: by the array's "
      "task",
      RUN, option_shard, AT(shard), .expected = "a shard such as 2/8, or slurm",
      .is_manner = true },
    { "csv-safe", NULL,
      "put ' before text in tables that a spreadsheet would compute (= + - @ or a tab first)",
      READ | REBUILD | CONFIG, option_true, AT(run.csv_safe) },
    { "screenshot", "FILE", "run, draw the explorer's screen into FILE (.svg .png .ans .txt)", RUN,
      option_text, AT(screenshot), .expected = "a file ending in .svg, .png, .ans or .txt",
      .is_path = true },
    { "size", "WxH", "of the screenshot in cells (default 200x60)", RUN, option_size,
      .expected = "WIDTHxHEIGHT in cells from 80x24 on" },
    { "color", "WHEN",
      "on the explorer's screen: auto (default; not where NO_COLOR is set) always never", RUN,
      option_name, AT(ui.color), .names = color_name },
    { "ascii", NULL, "only ASCII characters on the explorer's screen", RUN, option_true,
      AT(ui.ascii) },
    { "no-mouse", NULL, "the explorer leaves the mouse to the terminal", RUN, option_true,
      AT(ui.no_mouse) },
    { "json", NULL, "results as JSON on standard output", ALL, option_flag, .flag = CLI_JSON },
    { "dry-run", NULL, "say what would be done and what it costs; do nothing",
      RUN | CONFIG | VARIANTS, option_flag, .flag = CLI_DRY_RUN },
    { "tokenizer", "T", "a model, or a folder with tokenizer files; check takes several",
      VARIANTS | CHECK, option_tokenizer, .expected = "a model, or a folder with tokenizer files",
      .repeats = true, .is_path = true },
    { "suffix", "S", "behind the names of the files (default the tokenizer's name)", VARIANTS,
      option_suffix, .expected = "an ending for file names" },
    { "out", "DIR",
      "where the files go (default here); of cluster and compare the file (default standard "
      "output); of lab-tables the folder that holds runs, tinyLab's lab/runs",
      VARIANTS | CLUSTER | COMPARE | LAB_TABLES, option_text, AT(out_dir), .expected = "a folder",
      .is_path = true },
    { "balance", "N", "at most N rows a target", VARIANTS, option_count, AT(balance), .least = 1,
      .most = UINT32_MAX, .expected = "a number of rows from 1 on" },
    { "shares", "T,V",
      "with --compat tinylab: shares of training and validation rows (default 0.8,0.1)", VARIANTS,
      option_shares, .expected = "shares of training and validation rows such as 0.8,0.1" },
    { "endpoint", "URL", "of the hub to pull from (default https://huggingface.co)", PULL,
      option_text, AT(endpoint), .expected = "an address such as https://huggingface.co" },
    { "insecure-token", NULL, "send the token to an http:// hub, for anybody on the way to read",
      PULL, option_flag, .flag = CLI_INSECURE_TOKEN },
    { "min-rate", "SIZE",
      "a second, over each minute: what comes slower is asked for anew (default 4K)", PULL,
      option_bytes, AT(min_rate), .least = 0, .most = UINT64_MAX,
      .expected = "a size such as 500 or 4K; 0: anything" },
    { "time-limit", "T", "pull no longer than that; what came is kept (default 48h)", PULL,
      option_duration, AT(time_limit), .expected = "a time such as 90s, 30m, 12h or 7d" },
    { "prompt", "TEXT", "that is continued", SAY, option_text, AT(said.prompt),
      .expected = "a text" },
    { "tokens", "N", "that are said at most (default 20)", SAY, option_count, AT(said.n_tokens),
      .least = 1, .most = 1 << 20, .expected = "a number of tokens from 1 on" },
    { "keep-only", NULL, "ablate all heads but these", SAY, option_true, AT(said.keep_only) },
    { "past-end", NULL, "go on behind the token that ends a text", SAY, option_true,
      AT(said.past_end) },
    { "donor", "TEXT",
      "of resample and patch: the text whose values heads take, aligned at the prompts' ends", SAY,
      option_text, AT(said.donor), .expected = "a text" },
    { "temperature", "T", "draw tokens at that temperature (default 0: the likeliest)", SAY,
      option_part, AT(said.temperature), .expected = "a number from 0 on" },
    { "top-p", "P", "draw among the likeliest that have this share together (default all)", SAY,
      option_share, AT(said.top_p), .expected = "a share between 0 and 1, such as 0.9" },
    { "damage", NULL, "damage a weight on the checked device: verify must notice", VERIFY,
      option_flag, .flag = CLI_DAMAGE },
    { "quiet", NULL, "no progress and no summary", ALL, option_flag, .flag = CLI_QUIET,
      .is_manner = true },
    { "help", NULL, "this text", ALL, option_flag, .flag = CLI_HELP },
    { "version", NULL, "version and libraries", ALL, option_flag, .flag = CLI_VERSION },
};

const size_t n_cli_options = sizeof cli_options / sizeof *cli_options;
