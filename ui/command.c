#include "ui/command.h"

#include <stdio.h>
#include <string.h>

#include "base/names.h"
#include "ui/action.h"
#include "ui/choose.h"
#include "ui/pane_name.h"

static unsigned screenshot(struct state *s, const char *argument)
{
    snprintf(s->screenshot_path, sizeof s->screenshot_path, "%s", argument);
    return EFFECT_SCREENSHOT;
}

static unsigned save_sets(struct state *s, const char *argument)
{
    if (!s->n_named_sets) {
        state_say(s, true, "no set has a name yet: W gives the marked heads one");
        return 0;
    }
    snprintf(s->sets_path, sizeof s->sets_path, "%s", argument);
    return EFFECT_SETS;
}

static unsigned export_run(struct state *s, const char *argument)
{
    snprintf(s->export_path, sizeof s->export_path, "%s", argument);
    return EFFECT_EXPORT;
}

static unsigned open_run(struct state *s, const char *argument)
{
    snprintf(s->open_path, sizeof s->open_path, "%s", argument);
    return EFFECT_OPEN_NEW;
}

static unsigned set_model(struct state *s, const char *argument)
{
    snprintf(s->choice.model, sizeof s->choice.model, "%s", argument);
    return EFFECT_RUN;
}

static unsigned set_data(struct state *s, const char *argument)
{
    snprintf(s->choice.data, sizeof s->choice.data, "%s", argument);
    return EFFECT_RUN;
}

static unsigned set_device(struct state *s, const char *argument)
{
    snprintf(s->choice.device, sizeof s->choice.device, "%s", argument);
    return EFFECT_RUN;
}

static unsigned set_ablation(struct state *s, const char *argument)
{
    size_t kind;
    char kinds[NAMES_SIZE];
    if (strchr(argument, ','))
        return choose_kinds(s, argument);
    if (name_find(ablation_kind_name, 0, argument, strlen(argument), &kind))
        return choose_kind(s, (enum ablate_kind)kind);
    if (!strncmp(argument, "scale=", 6))
        return choose_scale(s, argument + 6);
    state_say(s, true, "unknown ablation '%s': expected %s or scale=S", argument,
              names_join(ablation_kind_name, 0, ", ", ", ", kinds, sizeof kinds));
    return 0;
}

static unsigned keep(struct state *s, const char *argument)
{
    (void)argument;
    state_keep(s);
    return 0;
}

static unsigned set_metric(struct state *s, const char *argument)
{
    if (!metric_parse(argument, &s->choice.metric)) {
        state_say(s, true, "unknown metric '%s': press v for the list", argument);
        return 0;
    }
    // Who picks the metric that says most after looking has chosen among as many grids.
    s->metrics_seen |= 1u << s->choice.metric;
    int n = __builtin_popcount(s->metrics_seen);
    if (n > 1)
        state_say(s, false,
                  "%d metrics looked at: q is over one grid of one metric, not over these", n);
    return EFFECT_RUN;
}

static unsigned go_to_pane(struct state *s, const char *argument)
{
    enum pane pane;
    if (pane_find(argument, &pane))
        state_focus(s, pane);
    else
        state_say(s, true, "no pane '%s': press w for the list", argument);
    return 0;
}

static unsigned rerun(struct state *s, const char *argument)
{
    (void)argument;
    (void)s;
    return EFFECT_RERUN;
}

static unsigned cancel(struct state *s, const char *argument)
{
    (void)argument;
    (void)s;
    return EFFECT_CANCEL;
}

static unsigned help(struct state *s, const char *argument)
{
    (void)argument;
    state_open(s, OVERLAY_HELP);
    return 0;
}

static unsigned quit(struct state *s, const char *argument)
{
    (void)argument;
    (void)s;
    return EFFECT_QUIT;
}

static const struct ui_command commands[] = {
    { "export", "DIR", true, "write the run directory (empty = runs/…)", export_run },
    { "screenshot", "FILE", false, "save this screen as .svg .png .ans .txt", screenshot },
    { "open", "DIR", false, "show the run in a folder", open_run },
    { "model", "M", false, "load another model", set_model },
    { "data", "D", false, "load another condition", set_data },
    { "device", "D", false, "compute on another device", set_device },
    { "experiment", "E", false, "heads, sets, patch, partial, ov, lens, …", choose_experiment },
    { "site", "S", false, "what patch puts in: resid_post, z, …", choose_site },
    { "direction", "D", false, "of patch: clean->corrupt or corrupt->clean", choose_direction },
    { "positions", "P", false, "of patch: diff, last, all, each, -1,-3 or subject:last",
      choose_positions },
    { "ablate", "K,…", false, "zero" ABLATION_LATER_NAMES " or scale=S; several at once",
      set_ablation },
    { "metric", "M", false, "show another metric", set_metric },
    { "pane", "P", false, "go to a pane: w lists them", go_to_pane },
    { "set", "NAME", false, "mark the set that W saved by that name", choose_set },
    { "sets", "FILE", false, "write the named sets, for --sets @FILE", save_sets },
    { "keep", NULL, false, "keep this run to compare others with", keep },
    { "rerun", NULL, false, "run again from the start", rerun },
    { "cancel", NULL, false, "stop the run", cancel },
    { "help", NULL, false, "keys and commands", help },
    { "quit", NULL, false, "leave", quit },
};

const struct ui_command *command_table(size_t *n)
{
    *n = sizeof commands / sizeof *commands;
    return commands;
}

// The command that a word names or, where no other does, begins.
static const struct ui_command *find(const char *word, size_t len)
{
    const struct ui_command *found = NULL;
    size_t n;
    const struct ui_command *all = command_table(&n);
    for (size_t i = 0; i < n; i++) {
        if (strncmp(all[i].name, word, len))
            continue;
        if (!all[i].name[len])
            return &all[i];
        if (found)
            return NULL;
        found = &all[i];
    }
    return found;
}

unsigned command_apply(struct state *s, const char *line)
{
    line += strspn(line, " ");
    size_t len = strcspn(line, " ");
    if (!len)
        return 0;
    const struct ui_command *c = find(line, len);
    if (!c) {
        state_say(s, true, "no command '%.*s': press ? for the list", (int)len, line);
        return 0;
    }
    const char *argument = line + len + strspn(line + len, " ");
    if (c->argument && !c->optional && !*argument) {
        state_say(s, true, "command '%s' needs %s: %s", c->name, c->argument, c->help);
        return 0;
    }
    return c->apply(s, argument);
}
