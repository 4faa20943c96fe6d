#include "cli/options.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/near.h"
#include "base/printable.h"
#include "base/say.h"
#include "cli/option_table.h"
#include "experiments/experiments.h"

static bool unknown_option(const char *name, struct abl_err *err)
{
    const char *nearest = NULL;
    size_t best = NEAR_ENOUGH + 1;
    for (size_t i = 0; i < n_cli_options; i++)
        if (near_distance(name, cli_options[i].name) < best) {
            best = near_distance(name, cli_options[i].name);
            nearest = cli_options[i].name;
        }
    if (nearest)
        return abl_fail(err, ABL_USAGE, "unknown option --%s: did you mean --%s?", name, nearest);
    return abl_fail(err, ABL_USAGE, "unknown option --%s: see 'abltui --help'", name);
}

static bool unknown_command(const char *name, struct abl_err *err)
{
    for (int i = 1; i < N_COMMANDS; i++)
        if (near_distance(name, cli_commands[i].name) <= NEAR_ENOUGH)
            return abl_fail(err, ABL_USAGE, "unknown command '%s': did you mean '%s'?", name,
                            cli_commands[i].name);
    return abl_fail(err, ABL_USAGE, "unknown command '%s': see 'abltui --help'", name);
}

// "--name", "--name=value", "-h", "-q": cut into name and value; false for anything else.
static bool split_option(char *arg, char name[64], char **value)
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
    char *equals = strchr(arg, '=');
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
    bool seen[MAX_OPTIONS];
    struct cli *cli;
    struct abl_err *err;
};

static bool apply_option(struct parser *p, size_t number, char *value)
{
    const struct option *o = &cli_options[number];
    if (p->seen[number] && o->value && !o->repeats)
        return abl_fail(p->err, ABL_USAGE, "--%s is given twice: expected once", o->name);
    p->seen[number] = true;
    if (!(o->commands & 1u << p->cli->command))
        return abl_fail(p->err, ABL_USAGE, "--%s does nothing for '%s': see 'abltui %s --help'",
                        o->name, cli_commands[p->cli->command].name,
                        cli_commands[p->cli->command].name);
    if (!o->value && value)
        return abl_fail(p->err, ABL_USAGE, "--%s takes no value: found '%s'", o->name, value);
    char help[OPTION_HELP_SIZE];
    if (o->value && !value) {
        if (p->at >= p->argc)
            return abl_fail(p->err, ABL_USAGE, "--%s needs a value: %s", o->name,
                            option_help(o, help));
        value = p->argv[p->at++];
    }
    if (o->is_path)
        file_tidy(value);
    return o->read(o, value, p->cli, p->err);
}

static bool parse_argument(struct parser *p, char *arg)
{
    char name[64], *value;
    if (split_option(arg, name, &value)) {
        for (size_t i = 0; i < n_cli_options; i++)
            if (strcmp(name, cli_options[i].name) == 0)
                return apply_option(p, i, value);
        return unknown_option(name, p->err);
    }
    struct cli *cli = p->cli;
    size_t max = cli_commands[cli->command].max_args;
    if (cli->command == COMMAND_RUN && !file_is_dir(arg)) // runs to open lie in folders
        max = 0;
    if (cli->n_args < max && (arg[0] != '-' || !arg[1])) {
        if (cli->command != COMMAND_PULL) // files and folders
            file_tidy(arg);
        cli->args[cli->n_args++] = arg;
        return true;
    }
    if (arg[0] == '-')
        return abl_fail(p->err, ABL_USAGE, "unknown option '%s': see 'abltui --help'", arg);
    return abl_fail(p->err, ABL_USAGE, "unexpected argument '%s': options start with --", arg);
}

// "sets or partial": the experiments that read an option, each with its name.
static const char *readers_of(unsigned option, char out[128])
{
    const char *names[N_EXPERIMENTS];
    size_t n = 0, len = 0;
    for (int i = 0; i < N_EXPERIMENTS; i++)
        if (experiments[i]->options & option)
            names[n++] = experiments[i]->name;
    out[0] = '\0';
    for (size_t i = 0; i < n && len < 128; i++)
        len += (size_t)snprintf(out + len, 128 - len, "%s%s",
                                !i          ? ""
                                : i + 1 < n ? ", "
                                            : " or ",
                                names[i]);
    return out;
}

// Options that only some experiments read: whether they are given, beside what stands there anyway.
static bool check_readers(const struct settings *r, struct abl_err *err)
{
    const struct {
        unsigned option; // enum experiment_options
        bool given;
        const char *names;
    } groups[] = {
        { READS_SETS, r->sets || r->pairs || r->triplets, "--sets, --pairs and --triplets need" },
        { READS_OV, r->n_sources || r->ov_kind == OV_CIRCUIT, "--kind and --source need" },
        { READS_RESTORE, r->restore, "--restore needs" },
        { READS_PATCH, r->direction || r->sites != 1u << SITE_RESID_POST,
          "--patch-site and --direction need" },
        { READS_PATCH | READS_ABLATION, r->positions && !r->save, "--positions needs" },
    };
    char readers[128];
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (groups[i].given && !(r->experiment->options & groups[i].option))
            return abl_fail(err, ABL_USAGE, "%s --experiment %s", groups[i].names,
                            readers_of(groups[i].option, readers));
    return true;
}

static bool check_heads(const struct cli *cli, struct abl_err *err)
{
    const struct settings *r = &cli->run;
    bool has_sets = r->sets || r->pairs || r->triplets;
    if (!(r->experiment->options & READS_HEADS) && (r->heads || r->layers))
        return abl_fail(err, ABL_USAGE,
                        "--heads and --layers choose single heads: --experiment %s "
                        "takes its heads from --sets",
                        r->experiment->name);
    if (r->experiment->options & READS_SETS && !has_sets && cli->command == COMMAND_RUN)
        return abl_fail(err, ABL_USAGE,
                        "--experiment %s needs --sets, such as --sets 0:2+0:4;0:2+0:7, or --pairs "
                        "0:2,4,7",
                        r->experiment->name);
    if (r->n_sources && r->ov_kind != OV_CIRCUIT)
        return abl_fail(err, ABL_USAGE, "--source needs --kind circuit");
    return true;
}

static bool check_ablation(const struct settings *r, struct abl_err *err)
{
    bool given = r->ablation.kind || r->ablation.scale != 0 || r->also.n;
    if (given && !r->experiment->makes)
        return abl_fail(err, ABL_USAGE, "--experiment %s ablates nothing: leave --ablate out",
                        r->experiment->name);
    if (given && !settings_ablate(r))
        return abl_fail(err, ABL_USAGE,
                        "--experiment %s puts activations in: --ablate has no meaning there",
                        r->experiment->name);
    if (conventions_of(r->compat)->one_donor && r->n_donors > 1)
        return abl_fail(err, ABL_USAGE, "--compat %s takes one donor for a row: leave --donors out",
                        compat_name(r->compat));
    if (!r->experiment->makes && r->holdout > 0)
        return abl_fail(err, ABL_USAGE, "--experiment %s ranks no effects: leave --holdout out",
                        r->experiment->name);
    return true;
}

// What only runs into a folder can do.
static bool check_export(const struct cli *cli, struct abl_err *err)
{
    bool runs = cli->export_dir || cli->command == COMMAND_CONFIG;
    bool to_stdout = cli->export_dir && strcmp(cli->export_dir, "-") == 0;
    if (cli->flags & CLI_RESUME && (!runs || to_stdout))
        return abl_fail(err, ABL_USAGE, "--resume needs --export DIR, the folder of the run");
    if (cli->shard.n && (!runs || to_stdout))
        return abl_fail(err, ABL_USAGE, "--shard needs --export DIR, a folder for its journal");
    if (cli->shard.n && cli->n_data > 1)
        return abl_fail(err, ABL_USAGE, "--shard takes one --data: run the conditions one by one");
    if (cli->run.save && !(cli->flags & CLI_DRY_RUN) && (!runs || to_stdout))
        return abl_fail(err, ABL_USAGE, "--save needs --export DIR, a folder for the activations");
    if (cli->run.save && cli->shard.n)
        return abl_fail(err, ABL_USAGE,
                        "--save does nothing for --shard: save them in a run of their own");
    return !cli->stop_after || runs
           || abl_fail(err, ABL_USAGE,
                       "--stop-after needs --export DIR: the explorer is left by q");
}

// What is made of all cells together on a device cannot be made of shards.
static bool check_shard(const struct cli *cli, struct abl_err *err)
{
    const struct settings *r = &cli->run;
    if (!cli->shard.n)
        return true;
    if (!r->experiment->makes || r->experiment->read)
        return abl_fail(err, ABL_USAGE,
                        "--shard does nothing for --experiment %s, which reads the intact run: "
                        "leave it out",
                        r->experiment->name);
    if (r->foil.from == FOIL_TOP)
        return abl_fail(err, ABL_USAGE,
                        "--shard cannot choose --foil top:%" PRIu32
                        ", which is a device's: take others:%" PRIu32 ", or name foils",
                        r->foil.n, r->foil.n);
    if (r->compat || r->precision != PRECISION_F32)
        return abl_fail(err, ABL_USAGE, "--shard needs --precision f32 and no --compat");
    return true;
}

// Templates, their slots, and no other data.
static bool check_templates(const struct cli *cli, struct abl_err *err)
{
    const struct row_templates *t = &cli->run.templates;
    if (t->n && !t->slots)
        return abl_fail(err, ABL_USAGE,
                        "--template needs --slots FILE, a table with the values of its slots");
    if (!t->n && (t->slots || t->n_corrupt))
        return abl_fail(err, ABL_USAGE, "--%s needs --template TEXT, such as 'The {A} is'",
                        t->slots ? "slots" : "corrupt");
    if (t->n && (cli->n_data || cli->n_args))
        return abl_fail(err, ABL_USAGE,
                        "--template makes the data itself, of --slots: leave '%s' out",
                        cli->n_data ? cli->data[0] : cli->args[0]);
    return true;
}

// Options that only mean something together.
static bool check_together(const struct cli *cli, struct abl_err *err)
{
    const struct settings *r = &cli->run;
    const struct conventions *c = conventions_of(r->compat);
    if (!check_readers(r, err) || !check_heads(cli, err) || !check_ablation(r, err)
        || !check_templates(cli, err))
        return false;
    if (cli->has_shares && !c->draws_splits)
        return abl_fail(err, ABL_USAGE,
                        "--shares needs --compat tinylab: without it the corpus keeps the split "
                        "that it has");
    if (r->foil.from != FOIL_GIVEN && r->compat)
        return abl_fail(err, ABL_USAGE, "--foil does nothing for --compat %s: leave it out",
                        compat_name(r->compat));
    if (c->without_bos && r->bos == BOS_NEVER)
        return abl_fail(err, ABL_USAGE, "%s", c->without_bos);
    if (c->without_constants && r->ablation.value_bias == VALUE_BIAS_HEAD)
        return abl_fail(err, ABL_USAGE, "%s", c->without_constants);
    if (!whole_answers_allow(r, err))
        return false;
    if (!check_export(cli, err) || !check_shard(cli, err))
        return false;
    bool to_folder = cli->export_dir && strcmp(cli->export_dir, "-") != 0;
    if (cli->n_data > 1 && (!to_folder || cli->flags & CLI_JSON))
        return abl_fail(err, ABL_USAGE,
                        "--data is given %zu times: several conditions are run into one folder, "
                        "which --export names",
                        cli->n_data);
    if (cli->screenshot && cli->export_dir)
        return abl_fail(err, ABL_USAGE, "--screenshot and --export exclude one another: run twice");
    return true;
}

// Whether it is for the run in --export's folder to say what it is.
static bool resumes_alone(const struct parser *p)
{
    bool manner = p->cli->flags & CLI_RESUME && p->cli->export_dir && !p->cli->n_args
                  && p->cli->command == COMMAND_RUN;
    for (size_t i = 0; i < n_cli_options; i++)
        manner = manner && (!p->seen[i] || cli_options[i].is_manner);
    return manner;
}

// A run that is opened says what it is: options say how it is shown, and where its model runs.
static bool check_opened(const struct parser *p, struct abl_err *err)
{
    static const char *const others[] = { "device", "screenshot", "size", "color", "ascii" };
    for (size_t i = 0; i < n_cli_options && p->cli->command == COMMAND_RUN && p->cli->n_args; i++) {
        bool fits = !p->seen[i]
                    || (cli_options[i].is_manner && strcmp(cli_options[i].name, "export") != 0);
        for (size_t k = 0; k < sizeof others / sizeof *others; k++)
            fits = fits || strcmp(cli_options[i].name, others[k]) == 0;
        if (!fits)
            return abl_fail(err, ABL_USAGE,
                            "--%s does nothing for the run in '%s', which is only opened: leave it "
                            "out",
                            cli_options[i].name, p->cli->args[0]);
    }
    return true;
}

bool cli_parse(int argc, char **argv, struct cli *out, struct abl_err *err)
{
    struct cli cli = { .ui = { .width = 200, .height = 60 },
                       .top_n = 40,
                       .said = { .n_tokens = 20, .top_p = 1 },
                       .min_rate = 4 << 10,
                       .time_limit = 48 * 3600 };
    cli.train_share = 0.8;
    cli.val_share = 0.1;
    settings_default(&cli.run, experiments[0]);
    assert(n_cli_options <= MAX_OPTIONS);
    struct parser p = { .argc = argc, .argv = argv, .at = 1, .cli = &cli, .err = err };
    if (argc > 1 && argv[1][0] != '-') {
        for (int i = 1; i < N_COMMANDS && !cli.command; i++)
            if (strcmp(argv[1], cli_commands[i].name) == 0)
                cli.command = (enum command)i;
        if (!cli.command && !file_is_dir(argv[1]))
            return unknown_command(argv[1], err);
        p.at = cli.command ? 2 : 1;
    }
    if (cli.command == COMMAND_CONFIG) { // what no option says, the file says
        cli.run.model = cli.run.device = NULL;
        cli.run.n_boot = 0;
    }
    while (p.at < argc)
        if (!parse_argument(&p, argv[p.at++])) {
            arena_release(&cli.texts);
            return false;
        }
    cli.resumes_alone = resumes_alone(&p);
    cli.run.sources = out->sources; // where they lie once *out is filled
    if (cli.command == COMMAND_OV)
        cli.run.experiment = &experiment_ov;
    if (cli.run.templates.slots && !cli.n_args && !cli.n_data)
        cli.run.data = cli.run.templates.slots;
    else if (cli.command == COMMAND_CHECK && cli.n_args)
        cli.run.data = cli.args[0];
    else if (cli.n_data)
        cli.run.data = cli.data[0];
    if (!(cli.flags & (CLI_HELP | CLI_VERSION))
        && (!check_opened(&p, err) || !check_together(&cli, err))) {
        arena_release(&cli.texts);
        return false;
    }
    *out = cli;
    return true;
}

static void print_command(const struct command_info *c)
{
    char text[128];
    snprintf(text, sizeof text, "%-8s %s", c->name, c->usage);
    say(SAY_OUT, "  %-32s%s%s\n", text, printable_width(text) < 32 ? "" : " ", c->about);
}

static void print_option(const struct option *o)
{
    char text[128], help[OPTION_HELP_SIZE];
    snprintf(text, sizeof text, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    say(SAY_OUT, "  %-22s%s%s\n", text, printable_width(text) < 22 ? "" : " ",
        option_help(o, help));
}

void cli_help(enum command command)
{
    const struct command_info *c = &cli_commands[command];
    say(SAY_OUT, "abltui%s%s %s\n  %s\n\n", c->name ? " " : "", c->name ? c->name : "", c->usage,
        c->about);
    if (command == COMMAND_RUN) {
        say(SAY_OUT,
            "  abltui                                  explore the bundled model\n"
            "  abltui DIR                              the run in a folder, without its model\n"
            "  abltui --model ./gpt2 --data logic      a checkpoint folder, another condition\n"
            "  abltui --export out --data facts        the head sweep, headless, into out/\n"
            "  abltui --export - --experiment sets --sets 0:2+0:4 | jq .\n\nCommands:\n");
        for (int i = 1; i < N_COMMANDS; i++)
            print_command(&cli_commands[i]);
        say(SAY_OUT, "\n");
    }
    say(SAY_OUT, "Options:\n");
    for (size_t i = 0; i < n_cli_options; i++)
        if (cli_options[i].commands & 1u << command)
            print_option(&cli_options[i]);
    say(SAY_OUT, "\nExit codes: 0 done, 1 failed, 2 usage, 3 bad data, 4 model missing or "
                 "unsupported, 5 self-check failed, 75 stopped: --resume goes on, "
                 "130 interrupted\n");
}
