#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/jobs.h"
#include "base/name_text.h"
#include "base/own_folder.h"
#include "base/say.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/resume_words.h"
#include "cli/run_settings.h"
#include "engine/engine.h"
#include "format/hf_cache.h"
#include "report/provenance.h"
#include "ui/ui.h"

// A folder with corpora that nobody has put there but who put the program there, the user or root.
static bool is_ours(const char *folder, uid_t owner)
{
    struct stat st;
    return file_is_dir_in(folder, "corpora") && stat(folder, &st) == 0
           && own_is_trusted(&st, owner);
}

// Where the bundled corpora and models are: $ABLTUI_DATA, beside the program, or where it was
// installed; never what happens to lie in the working directory.
static const char *find_data_dir(char out[PATH_MAX])
{
    static const char *const beside[] = { "/data", "/../share/abltui" };
    const char *given = getenv("ABLTUI_DATA");
    if (given && *given)
        return given;
    char program[PATH_MAX];
    struct stat st;
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len > 0 ? len : 0] = '\0';
    char *slash = stat("/proc/self/exe", &st) == 0 ? strrchr(program, '/') : NULL;
    for (size_t i = 0; slash && i < sizeof beside / sizeof *beside; i++) {
        *slash = '\0';
        int need = snprintf(out, PATH_MAX, "%s%s", program, beside[i]);
        if (need > 0 && need < PATH_MAX && is_ours(out, st.st_uid))
            return out;
    }
    return ABLTUI_SHARE;
}

// Where the Hugging Face hub's cache is; NULL when no variable says.
static char *find_hf_cache(void)
{
    struct hf_environment e = { .hf_hub_cache = getenv("HF_HUB_CACHE"),
                                .huggingface_hub_cache = getenv("HUGGINGFACE_HUB_CACHE"),
                                .hf_home = getenv("HF_HOME"),
                                .xdg_cache_home = getenv("XDG_CACHE_HOME"),
                                .home = getenv("HOME") };
    return hf_cache_root(&e);
}

// The command line as a shell would take it, for provenance.
static bool quote_command_line(int argc, char **argv, struct buf *out)
{
    static const char plain[]
        = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+:,./@%";
    for (int i = 0; i < argc; i++) {
        if (i)
            buf_char(out, ' ');
        if (argv[i][0] && strspn(argv[i], plain) == strlen(argv[i])) {
            buf_str(out, argv[i]);
            continue;
        }
        if (!name_is_utf8(argv[i])) {
            name_text(argv[i], out);
            continue;
        }
        buf_char(out, '\'');
        for (const char *c = argv[i]; *c; c++)
            buf_str(out, *c == '\'' ? "'\\''" : (char[]){ *c, '\0' });
        buf_char(out, '\'');
    }
    return !out->failed;
}

static void print_version(void)
{
    struct device_info cpu;
    cpu_device_info(&cpu);
    say(SAY_OUT, "abltui %s%s%s\ncpu: %s (%s)\n", abl_version, *ABLTUI_COMMIT ? " " : "",
        ABLTUI_COMMIT, cpu.name, cpu.driver);
}

// Commands that draw pictures do it in processes of their own, for which this is the time: before
// there are threads. Where there can be none, it is done here.
static struct jobs *start_jobs(const struct cli *cli)
{
    struct jobs *jobs = NULL;
    struct abl_err ignored;
    bool draws = cli->command == COMMAND_RUN || cli->command == COMMAND_CONFIG
                 || cli->command == COMMAND_OV || cli->command == COMMAND_MERGE;
    if (draws && !(cli->flags & CLI_DRY_RUN))
        jobs_start(&jobs, &ignored);
    return jobs;
}

static bool run_explorer(const struct cli *cli, struct abl_err *err)
{
    struct ui_settings ui = cli->ui;
    ui.runs = &run_settings_reader;
    ui.open = cli->args;
    ui.n_open = cli->n_args;
    if (cli->screenshot)
        return ui_screenshot(&cli->run, &ui, cli->screenshot, err);
    return ui_run(&cli->run, &ui, err);
}

static bool run_command(const struct cli *cli, const char *command_line, struct abl_err *err)
{
    switch (cli->command) {
    case COMMAND_RUN:
        if (cli->flags & CLI_DRY_RUN)
            return command_dry_run(cli, err);
        return cli->export_dir || cli->flags & CLI_JSON ? command_export(cli, command_line, err)
                                                        : run_explorer(cli, err);
    case COMMAND_CHECK:
        return command_check(cli, err);
    case COMMAND_VERIFY:
        return command_verify(cli, err);
    case COMMAND_MODELS:
        return command_models(cli, err);
    case COMMAND_DEVICES:
        return command_devices(cli, err);
    case COMMAND_PULL:
        return command_pull(cli, err);
    case COMMAND_VARIANTS:
        return command_variants(cli, err);
    case COMMAND_OV:
        return command_ov(cli, command_line, err);
    case COMMAND_CLUSTER:
        return command_cluster(cli, err);
    case COMMAND_COMPARE:
        return command_compare(cli, err);
    case COMMAND_REBUILD:
        return command_rebuild(cli, err);
    case COMMAND_MERGE:
        return command_merge(cli, command_line, err);
    case COMMAND_RUNS:
        return command_runs(cli, err);
    case COMMAND_SAY:
        return command_say(cli, err);
    case COMMAND_LAB_TABLES:
        return command_lab_tables(cli, err);
    case COMMAND_CONFIG:
        return command_run(cli, command_line, err);
    case N_COMMANDS:
        break;
    }
    return abl_fail(err, ABL_USAGE, "unknown command");
}

// OpenMP's threads spin while they wait unless told not to before the program starts, which on a
// shared machine takes the cores from whoever computes (four times slower beside two busy
// processes). Hence one restart with the setting: some microseconds of spinning, as the next loop
// mostly begins by then and waking a thread takes longer, and then sleep.
static void wait_passively(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || setenv("GOMP_SPINCOUNT", "1000", 0) != 0
        || setenv("OMP_WAIT_POLICY", "passive", 1) != 0)
        return;
    char program[PATH_MAX]; // by its name, which tools show that list processes
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len > 0 ? len : 0] = '\0';
    execv(program, argv);
    execv("/proc/self/exe", argv);
    // Not to be had on this system: go on as we are.
}

// More threads than cores gain nothing, and hundreds take seconds to begin and to end.
static void cap_threads(struct settings *s)
{
    enum { PER_CORE = 4 };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores < 1 || s->n_threads <= PER_CORE * (unsigned long)cores)
        return;
    uint32_t most = PER_CORE * (uint32_t)cores;
    say(SAY_ERR, "note: --threads %" PRIu32 " is taken as %" PRIu32 ", %d for each core\n",
        s->n_threads, most, PER_CORE);
    s->n_threads = most;
}

static bool parse_words(int argc, char **argv, struct cli *cli, struct abl_err *err)
{
    bool ok = cli_parse(argc, argv, cli, err);
    cli->words = (struct run_words){ (const char *const *)argv + 1, (size_t)argc - 1 };
    return ok;
}

// The command line; where it only says that a run goes on, that by which the run began.
static bool parse(int *argc, char ***argv, struct cli *cli, struct arena *words, bool *whole,
                  struct abl_err *err)
{
    if (!parse_words(*argc, *argv, cli, err) || !cli->resumes_alone
        || cli->flags & (CLI_HELP | CLI_VERSION))
        return !err->code;
    bool ok = resume_words(cli, argc, argv, words, whole, err);
    if (!ok || *whole)
        return ok;
    arena_release(&cli->texts);
    *cli = (struct cli){ 0 };
    return parse_words(*argc, *argv, cli, err);
}

static void tell_whole(const struct cli *cli)
{
    if (!(cli->flags & CLI_QUIET))
        say(SAY_ERR, "%s is complete: nothing is left to do\n", cli->export_dir);
}

int main(int argc, char **argv)
{
    wait_passively(argv);
    setlocale(LC_CTYPE, "");
    signal(SIGXFSZ, SIG_IGN); // a file that grows too large is an error with a line, not an end
    struct abl_err err = { 0 };
    struct cli cli = { 0 };
    struct buf command_line = { 0 };
    char data_dir[PATH_MAX], *hf_cache = NULL;
    struct arena words = { 0 };
    bool whole = false, ok = parse(&argc, &argv, &cli, &words, &whole, &err);
    if (ok && cli.flags & CLI_HELP)
        cli_help(cli.command);
    else if (ok && cli.flags & CLI_VERSION)
        print_version();
    else if (ok && whole)
        tell_whole(&cli);
    else if (ok) {
        cap_threads(&cli.run);
        cli.run.data_dir = find_data_dir(data_dir);
        errno = 0;
        cli.run.hf_cache = hf_cache = find_hf_cache();
        ok = hf_cache || errno != ENOMEM || abl_no_memory(&err);
        cli.ui.jobs = start_jobs(&cli);
        ok = ok && (quote_command_line(argc, argv, &command_line) || abl_no_memory(&err));
        ok = ok && run_command(&cli, command_line.data, &err);
        jobs_end(cli.ui.jobs);
    }
    free(hf_cache);
    arena_release(&cli.texts);
    arena_release(&words);
    buf_release(&command_line);
    ok = ok && say_end(&err);
    if (!ok)
        say(SAY_ERR, "abltui: %s\n", err.text);
    return ok ? 0 : (int)err.code;
}
