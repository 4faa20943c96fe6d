#include "cli/commands.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/say.h"
#include "cli/print.h"
#include "plan/head_set.h"
#include "session/continue.h"

// What is said, kept step by step.
struct conversation {
    const struct cli *cli;
    struct session *session;
    struct head_set heads; // that are ablated
    const char *label;     // of those that were named
    char kind[64];
    struct say_request request;
    struct said_step *steps;
    size_t n, cap, n_changed;
    bool failed; // memory is out
    struct arena arena;
};

static const char *const text_names[SAID_TEXTS] = { "intact", "ablated" };

static bool has_ablated(const struct conversation *c)
{
    return c->request.heads;
}

// ----------------------------------------------------------------------------------------- as text

static void put_token(const struct conversation *c, const struct said_token *t)
{
    char quoted[256];
    if (!t->there) {
        say(SAY_OUT, "  %-30s", "");
        return;
    }
    snprintf(quoted, sizeof quoted, "\"%s\"", tokenizer_text(c->session->tokenizer, t->id));
    say(SAY_OUT, "  %-23s %5.1f%%", quoted, 100 * t->prob);
}

static void put_step(const struct conversation *c, const struct said_step *step, size_t number)
{
    say(SAY_OUT, "%4zu", number);
    for (int t = 0; t < (has_ablated(c) ? SAID_TEXTS : 1); t++)
        put_token(c, &step->texts[t]);
    say(SAY_OUT, "%s\n", step->changed ? "  *" : "");
}

static void put_heading(const struct conversation *c)
{
    say(SAY_OUT, "%s: %s\n", c->session->model->name, c->request.prompt);
    if (has_ablated(c))
        say(SAY_OUT, "ablated: %s%s, %s\n", c->cli->said.keep_only ? "all heads but " : "",
            c->label, c->kind);
    say(SAY_OUT, "      %-32s%s\n", text_names[0], has_ablated(c) ? text_names[1] : "");
}

static void told(void *context, const struct said_step *step)
{
    struct conversation *c = context;
    struct said_step *room = array_room(c->steps, c->n, &c->cap, sizeof *room);
    if (!room) {
        c->failed = true;
        return;
    }
    c->steps = room;
    c->steps[c->n++] = *step;
    c->n_changed += step->changed;
    if (c->cli->flags & CLI_JSON)
        return;
    if (c->n == 1)
        put_heading(c);
    put_step(c, step, c->n);
}

// The bytes of a text's tokens, one behind the other.
static bool text_of(const struct conversation *c, int text, struct buf *out, struct abl_err *err)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->steps[i].texts[text].there)
            tokenizer_bytes(c->session->tokenizer, c->steps[i].texts[text].id, out);
    return !out->failed || abl_no_memory(err);
}

static bool put_ending(const struct conversation *c, struct abl_err *err)
{
    for (int t = 0; t < (has_ablated(c) ? SAID_TEXTS : 1); t++) {
        struct buf text = { 0 };
        bool ok = text_of(c, t, &text, err);
        if (ok && !t)
            say(SAY_OUT, "\n");
        if (ok)
            say(SAY_OUT, "%s:%s\n", text_names[t], text.data ? text.data : "");
        buf_release(&text);
        if (!ok)
            return false;
    }
    if (has_ablated(c))
        say(SAY_OUT, "%zu of %zu tokens changed\n", c->n_changed, c->n);
    return true;
}

// ----------------------------------------------------------------------------------------- as JSON

static void add_number(cJSON *o, const char *name, double v)
{
    if (isnan(v))
        cJSON_AddNullToObject(o, name);
    else
        cJSON_AddNumberToObject(o, name, v);
}

static cJSON *text_json(const struct conversation *c, int text)
{
    struct buf all = { 0 };
    struct abl_err ignored;
    cJSON *o = cJSON_CreateObject();
    if (text_of(c, text, &all, &ignored))
        add_name(o, "text", all.data ? all.data : "");
    buf_release(&all);
    cJSON *list = cJSON_AddArrayToObject(o, "tokens");
    for (size_t i = 0; i < c->n; i++) {
        const struct said_token *t = &c->steps[i].texts[text];
        if (!t->there)
            break;
        cJSON *token = cJSON_CreateObject();
        cJSON_AddNumberToObject(token, "token_id", t->id);
        add_name(token, "token", tokenizer_text(c->session->tokenizer, t->id));
        cJSON_AddNumberToObject(token, "prob", t->prob);
        if (has_ablated(c))
            add_number(token, text ? "prob_intact" : "prob_ablated", t->prob_other);
        cJSON_AddItemToArray(list, token);
    }
    return o;
}

static void add_heads(const struct conversation *c, cJSON *o)
{
    if (!has_ablated(c)) {
        cJSON_AddNullToObject(o, "heads");
        return;
    }
    cJSON_AddStringToObject(o, "heads", c->label);
    cJSON_AddBoolToObject(o, "keep_only", c->cli->said.keep_only);
    cJSON_AddStringToObject(o, "ablate", c->kind);
    cJSON_AddStringToObject(o, "value_bias", value_bias_name(c->request.how.value_bias));
}

static bool put_json(const struct conversation *c, struct abl_err *err)
{
    const struct token_choice *choice = &c->request.choice;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "schema", "abltui.say/1");
    add_name(o, "model", c->session->model->name);
    add_name(o, "device", c->session->device.name);
    add_name(o, "prompt", c->request.prompt);
    add_heads(c, o);
    cJSON_AddNumberToObject(o, "temperature", choice->temperature);
    cJSON_AddNumberToObject(o, "top_p", choice->top_p);
    cJSON_AddNumberToObject(o, "seed", (double)choice->seed);
    for (int t = 0; t < (has_ablated(c) ? SAID_TEXTS : 1); t++)
        cJSON_AddItemToObject(o, text_names[t], text_json(c, t));
    if (has_ablated(c))
        cJSON_AddNumberToObject(o, "n_changed", (double)c->n_changed);
    return print_json(o, err);
}

// ------------------------------------------------------------------------------------- the whole

// The heads that are named, and the ablation, as they are called.
static bool name_heads(struct conversation *c, const struct head_set *named, struct abl_err *err)
{
    struct ablation how = c->request.how;
    struct head_set in_order;
    if (!head_set_part(named, true, &c->session->model->shape, &c->arena, &in_order, err))
        return false;
    c->label = head_set_label(&in_order, &c->arena);
    if (ablation_has_factor(how))
        snprintf(c->kind, sizeof c->kind, "scale=%g", (double)how.scale);
    else
        snprintf(c->kind, sizeof c->kind, "%s", ablation_kind_name(how.kind));
    return c->label || abl_no_memory(err);
}

static bool choose_heads(struct conversation *c, struct abl_err *err)
{
    const struct settings *s = &c->cli->run;
    const struct model_shape *shape = &c->session->model->shape;
    struct head_set named;
    if (!s->heads)
        return true;
    if (!heads_parse(s->heads, shape, &c->arena, &named, err) || !name_heads(c, &named, err)
        || !head_set_part(&named, !c->cli->said.keep_only, shape, &c->arena, &c->heads, err))
        return false;
    c->request.heads = &c->heads;
    return c->heads.n
           || abl_fail(err, ABL_USAGE, "--keep-only with all heads ablates nothing: name fewer");
}

// Means are the run's: those kinds need its rows, the others the prompt alone.
static bool open_session(struct conversation *c, struct abl_err *err)
{
    const struct settings *s = &c->cli->run;
    bool rows = s->heads && ablation_needs(s->ablation.kind) == NEEDS_MEANS;
    if (rows && !session_open(s, &c->session, err))
        return false;
    if (rows && !(c->cli->flags & CLI_QUIET))
        print_findings(c->session->prompts);
    return rows || session_open_text(s, c->request.prompt, &c->session, err);
}

static bool converse(struct conversation *c, struct abl_err *err)
{
    bool json = c->cli->flags & CLI_JSON;
    if (!open_session(c, err) || !choose_heads(c, err)
        || !session_say(c->session, &c->request, NULL, told, c, err))
        return false;
    if (c->failed)
        return abl_no_memory(err);
    return json ? put_json(c, err) : put_ending(c, err);
}

bool command_say(const struct cli *cli, struct abl_err *err)
{
    const struct said_words *words = &cli->said;
    struct conversation c
        = { .cli = cli,
            .request = { .prompt = words->prompt,
                         .donor = words->donor,
                         .how = cli->run.ablation,
                         .n_tokens = words->n_tokens,
                         .past_end = words->past_end,
                         .choice = { words->temperature, words->top_p, cli->run.seed } } };
    if (!words->prompt)
        return abl_fail(err, ABL_USAGE, "say needs --prompt TEXT, such as 'The capital of'");
    if (cli->run.also.n)
        return abl_fail(err, ABL_USAGE, "say takes one kind of ablation: found %zu",
                        cli->run.also.n + 1);
    if (!cli->run.heads && (words->keep_only || cli->run.ablation.kind || words->donor))
        return abl_fail(err, ABL_USAGE, "--%s needs --heads, such as 0:2,0:4",
                        words->keep_only ? "keep-only"
                        : words->donor   ? "donor"
                                         : "ablate");
    bool ok = converse(&c, err);
    session_free(c.session);
    free(c.steps);
    arena_release(&c.arena);
    return ok;
}
