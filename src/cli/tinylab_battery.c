#include "cli/tinylab_battery.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/names.h"
#include "experiments/experiments.h"
#include "plan/head_file.h"
#include "report/doc.h"

struct source {
    struct config_reader *r;
    const char *path; // of the battery
    const cJSON *o;
    struct settings *s;
    struct battery *out;
};

static bool bad(const struct source *b, const char *key, const char *expected)
{
    return abl_fail(b->r->err, ABL_BAD_DATA, "'%s': \"%s\": expected %s", b->path, key, expected);
}

static const cJSON *member(const struct source *b, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(b->o, key);
    return item && !cJSON_IsNull(item) ? item : NULL;
}

static bool whole(const cJSON *item, uint32_t *out)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble < 1e6)
        || item->valuedouble != floor(item->valuedouble))
        return false;
    *out = (uint32_t)item->valuedouble;
    return true;
}

// Text that was put together, in the arena.
static const char *keep(const struct source *b, struct buf *text)
{
    const char *kept
        = text->failed ? NULL : arena_strdup(&b->r->config->arena, text->data ? text->data : "");
    buf_release(text);
    if (!kept)
        abl_no_memory(b->r->err);
    return kept;
}

// "all" or a list of numbers as --layers has it; *given is false where the key is missing.
static bool number_list(const struct source *b, const char *key, const char **out, bool *given)
{
    const cJSON *list = member(b, key), *item;
    struct buf text = { 0 };
    *given = false;
    if (!list || (cJSON_IsString(list) && strcmp(list->valuestring, "all") == 0))
        return true;
    if (!cJSON_IsArray(list))
        return bad(b, key, "\"all\" or a list of numbers");
    cJSON_ArrayForEach(item, list)
    {
        uint32_t n;
        if (!whole(item, &n)) {
            buf_release(&text);
            return bad(b, key, "\"all\" or a list of numbers");
        }
        buf_printf(&text, "%s%u", text.len ? "," : "", (unsigned)n);
    }
    *out = keep(b, &text);
    *given = true;
    return *out;
}

// Heads are numbers of every layer that is asked for.
// Text as an option has it, or "@FILE", a file here or in a folder above.
static bool read_text_of_heads(const struct source *b, const char *key, const char **out)
{
    struct arena *a = &b->r->config->arena;
    const char *text = member(b, key)->valuestring;
    if (*text == '@') {
        const char *found;
        if (!config_find(b->r, text + 1, &found))
            return false;
        if (!found)
            return abl_fail(b->r->err, ABL_BAD_DATA,
                            "'%s': \"%s\" is '%s': there is no such file here or in a folder above",
                            b->path, key, text);
        text = arena_printf(a, "@%s", found);
    } else
        text = arena_strdup(a, text);
    return text ? head_file_text(text, a, out, b->r->err)
                      || abl_fail_in(b->r->err, "'%s': \"%s\"", b->path, key)
                : abl_no_memory(b->r->err);
}

static bool read_heads(const struct source *b)
{
    const cJSON *list = member(b, "heads"), *item;
    struct buf text = { 0 };
    if (!list || (cJSON_IsString(list) && strcmp(list->valuestring, "all") == 0))
        return true;
    if (cJSON_IsString(list) && *list->valuestring)
        return read_text_of_heads(b, "heads", &b->s->heads);
    if (!cJSON_IsArray(list))
        return bad(b, "heads", "\"all\", a list of numbers, heads such as 0:2,1:*, or @FILE");
    cJSON_ArrayForEach(item, list)
    {
        uint32_t head;
        if (!whole(item, &head)) {
            buf_release(&text);
            return bad(b, "heads", "\"all\" or a list of numbers");
        }
        buf_printf(&text, "%s*:%u", text.len ? "," : "", (unsigned)head);
    }
    b->s->heads = keep(b, &text);
    return b->s->heads;
}

static bool read_scales(const struct source *b)
{
    const cJSON *list = member(b, "scales"), *item;
    struct battery *out = b->out;
    if (!list)
        return true;
    if (!cJSON_IsArray(list) || !cJSON_GetArraySize(list) || cJSON_GetArraySize(list) > MAX_SCALES)
        return bad(b, "scales", "one to 16 numbers");
    out->n_scales = 0;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsNumber(item))
            return bad(b, "scales", "one to 16 numbers");
        out->scales[out->n_scales++] = (float)item->valuedouble;
    }
    return true;
}

// tinyLab's "random control": some heads of each layer, still one at a time.
static bool read_random(const struct source *b)
{
    const cJSON *random = member(b, "random_control"), *count = member(b, "random_count");
    uint32_t n = 0;
    if (random && !cJSON_IsBool(random))
        return bad(b, "random_control", "true or false");
    if (count && !whole(count, &n))
        return bad(b, "random_count", "a number of heads");
    if (!cJSON_IsTrue(random) || !count)
        return true;
    if (b->s->heads)
        return config_note(
            b->r,
            "'%s': \"random_control\" among heads that are named is ignored: each of "
            "them is run",
            b->path);
    b->out->n_random = n ? n : 1;
    return config_note(b->r,
                       "'%s': \"random_control\" runs %u heads of each layer, drawn by the seed as "
                       "NumPy draws them: a subsample of single heads, which is no null "
                       "distribution (heads_subset_zero has one)",
                       b->path, (unsigned)b->out->n_random);
}

static bool read_heads_zero(const struct source *b)
{
    bool given;
    b->s->experiment = &experiment_heads;
    const cJSON *positions = member(b, "positions");
    if (positions && !(cJSON_IsString(positions) && strcmp(positions->valuestring, "all") == 0)
        && !config_note(b->r, "'%s': heads are ablated at every position: \"positions\" is ignored",
                        b->path))
        return false;
    if (!number_list(b, "layers", &b->s->layers, &given) || !read_heads(b) || !read_scales(b))
        return false;
    return read_random(b);
}

static bool put_set(struct buf *sets, uint32_t layer, const uint32_t *heads, size_t n)
{
    buf_str(sets, sets->len ? ";" : "");
    for (size_t i = 0; i < n; i++)
        buf_printf(sets, "%s%u:%u", i ? "+" : "", (unsigned)layer, (unsigned)heads[i]);
    return true;
}

static bool read_pairs(const struct source *b)
{
    const cJSON *list = member(b, "pairs"), *item;
    struct buf sets = { 0 };
    b->s->experiment = &experiment_sets;
    if (!cJSON_IsArray(list) || !cJSON_GetArraySize(list))
        return bad(b, "pairs", "a list of {layer, h1, h2}");
    cJSON_ArrayForEach(item, list)
    {
        uint32_t layer, heads[2];
        if (!whole(cJSON_GetObjectItemCaseSensitive(item, "layer"), &layer)
            || !whole(cJSON_GetObjectItemCaseSensitive(item, "h1"), &heads[0])
            || !whole(cJSON_GetObjectItemCaseSensitive(item, "h2"), &heads[1])) {
            buf_release(&sets);
            return bad(b, "pairs", "a list of {layer, h1, h2}");
        }
        put_set(&sets, layer, heads, 2);
    }
    b->s->sets = keep(b, &sets);
    return b->s->sets;
}

static bool read_groups(const struct source *b)
{
    enum { MOST = 256 };
    const cJSON *list = member(b, "groups"), *item, *head;
    struct buf sets = { 0 };
    b->s->experiment = &experiment_sets;
    bool ok = cJSON_IsArray(list) && cJSON_GetArraySize(list);
    if (!ok)
        list = NULL;
    cJSON_ArrayForEach(item, list)
    {
        const cJSON *members = cJSON_GetObjectItemCaseSensitive(item, "heads");
        uint32_t layer, heads[MOST];
        size_t n = 0;
        ok = ok && whole(cJSON_GetObjectItemCaseSensitive(item, "layer"), &layer)
             && cJSON_IsArray(members) && cJSON_GetArraySize(members)
             && cJSON_GetArraySize(members) <= MOST;
        if (!ok)
            break;
        cJSON_ArrayForEach(head, members) ok = ok && whole(head, &heads[n++]);
        if (ok)
            put_set(&sets, layer, heads, n);
    }
    if (!ok) {
        buf_release(&sets);
        return bad(b, "groups", "a list of {layer, heads}");
    }
    b->s->sets = keep(b, &sets);
    return b->s->sets;
}

// Groups of a layer's heads, or sets as --sets has them.
static bool read_sets(const struct source *b)
{
    const cJSON *sets = member(b, "sets");
    if (!sets)
        return read_groups(b);
    b->s->experiment = &experiment_sets;
    if (!cJSON_IsString(sets) || !*sets->valuestring || member(b, "groups"))
        return bad(b, "sets", "sets such as 0:2+1:4;0:2+0:7, or @FILE, without \"groups\"");
    return read_text_of_heads(b, "sets", &b->s->sets);
}

// The value that a key names, 0 where it is missing.
static bool read_name(const struct source *b, const char *key, name_list *names, size_t *out)
{
    const cJSON *item = member(b, key);
    const char *text = cJSON_IsString(item) ? item->valuestring : "";
    char expected[NAMES_SIZE];
    *out = 0;
    return !item || name_find(names, 0, text, strlen(text), out)
           || bad(b, key, names_join(names, 0, ", ", " or ", expected, sizeof expected));
}

static bool read_granularity(const struct source *b, const char *text)
{
    if (strcmp(text, "layer_resid") == 0)
        b->s->sites = 1u << SITE_RESID_POST;
    // z of all heads at once is what attn_out is made from
    else if (strcmp(text, "head_out") == 0)
        b->s->sites = 1u << SITE_ATTN_OUT;
    else if (strcmp(text, "mlp_out") == 0)
        b->s->sites = 1u << SITE_MLP_OUT;
    else
        return bad(b, "granularity", "layer_resid, mlp_out or head_out");
    return strcmp(text, "mlp_out") != 0
           || config_note(b->r,
                          "'%s': \"granularity\" mlp_out patches the MLP's output, not its hidden "
                          "layer",
                          b->path);
}

static bool read_positions(const struct source *b)
{
    const cJSON *positions = member(b, "positions");
    if (!positions) {
        b->s->positions = "all";
        return true;
    }
    if (!cJSON_IsString(positions))
        return bad(b, "positions", "last_token, all, each or a list such as -1,-2");
    bool last = strcmp(positions->valuestring, "last_token") == 0;
    const char *theirs = last ? conventions_of(b->s->compat)->positions : NULL;
    if (last && !theirs
        && !config_note(b->r,
                        "'%s': \"positions\" is last_token: the last token alone is patched, where "
                        "tinyLab patched every position",
                        b->path))
        return false;
    if (last)
        b->s->positions = theirs ? theirs : "last";
    else
        b->s->positions = arena_strdup(&b->r->config->arena, positions->valuestring);
    return b->s->positions || abl_no_memory(b->r->err);
}

static bool read_patch(const struct source *b)
{
    const cJSON *granularity = member(b, "granularity");
    size_t direction;
    bool given;
    const cJSON *sham = member(b, "sham_control");
    if (sham && !cJSON_IsBool(sham))
        return bad(b, "sham_control", "true or false");
    b->s->experiment = cJSON_IsTrue(sham) ? &experiment_sham : &experiment_patch;
    b->s->ablation = (struct ablation){ .value_bias = b->s->ablation.value_bias };
    if (cJSON_IsTrue(sham)
        && !config_note(b->r,
                        "'%s': \"sham_control\": every place is patched with the run's own "
                        "activation, none with the other run's",
                        b->path))
        return false;
    if (!read_name(b, "patch_direction", direction_name, &direction))
        return false;
    b->s->direction = (enum direction)direction;
    return read_granularity(b,
                            cJSON_IsString(granularity) ? granularity->valuestring : "layer_resid")
           && number_list(b, "layers", &b->s->layers, &given) && read_positions(b);
}

// The same places, each patched with the run's own activation.
static bool read_sham(const struct source *b)
{
    if (!read_patch(b))
        return false;
    b->s->experiment = &experiment_sham;
    return true;
}

static bool read_partial(const struct source *b)
{
    const cJSON *restore = member(b, "restore");
    if (!read_sets(b))
        return false;
    b->s->experiment = &experiment_partial;
    if (!restore)
        return true;
    if (!cJSON_IsString(restore) || !*restore->valuestring)
        return bad(b, "restore", "heads such as 0:2, or @FILE");
    return read_text_of_heads(b, "restore", &b->s->restore);
}

static bool read_ov(const struct source *b)
{
    const cJSON *top_k = member(b, "top_k");
    size_t kind;
    bool given;
    b->s->experiment = &experiment_ov;
    if (!read_name(b, "kind", ov_kind_name, &kind))
        return false;
    b->s->ov_kind = (enum ov_kind)kind;
    if (top_k && (!whole(top_k, &b->s->top_k) || !b->s->top_k))
        return bad(b, "top_k", "a number of tokens");
    return number_list(b, "layers", &b->s->layers, &given) && read_heads(b);
}

static bool read_lens(const struct source *b)
{
    bool given;
    b->s->experiment = &experiment_lens;
    return number_list(b, "layers", &b->s->layers, &given) && read_heads(b);
}

static bool read_attn(const struct source *b)
{
    bool given;
    b->s->experiment = &experiment_attn;
    return number_list(b, "layers", &b->s->layers, &given) && read_heads(b);
}

static bool refuse_sae(const struct source *b)
{
    return abl_fail(
        b->r->err, ABL_USAGE,
        "'%s': sae_toggle needs a trained sparse autoencoder, which there is not: expected "
        "another battery",
        b->path);
}

static const struct battery_type {
    const char *name;
    bool (*read)(const struct source *b);
    const char *keys[8]; // besides type, name and description
} types[] = {
    { "heads_zero",
      read_heads_zero,
      { "layers", "heads", "scales", "positions", "random_control", "random_count" } },
    { "heads_pair_zero", read_pairs, { "pairs" } },
    { "heads_subset_zero", read_sets, { "groups", "sets" } },
    { "activation_patch",
      read_patch,
      { "patch_direction", "granularity", "layers", "sham_control", "positions" } },
    { "sham", read_sham, { "patch_direction", "granularity", "layers", "positions" } },
    { "sae_toggle", refuse_sae, { NULL } },
    { "partial", read_partial, { "groups", "sets", "restore" } },
    { "ov", read_ov, { "layers", "heads", "kind", "top_k" } },
    { "lens", read_lens, { "layers", "heads" } },
    { "attn", read_attn, { "layers", "heads" } },
};

static bool note_keys(const struct source *b, const struct battery_type *t)
{
    static const char *const common[] = { "type", "name", "description" };
    const cJSON *item;
    cJSON_ArrayForEach(item, b->o)
    {
        bool known = item->string[0] == '_';
        for (size_t i = 0; i < sizeof common / sizeof *common; i++)
            known = known || strcmp(item->string, common[i]) == 0;
        for (size_t i = 0; i < sizeof t->keys / sizeof *t->keys && t->keys[i]; i++)
            known = known || strcmp(item->string, t->keys[i]) == 0;
        if (!known
            && !config_note(b->r, "'%s': key \"%s\" has no meaning for %s: it is ignored", b->path,
                            item->string, t->name))
            return false;
    }
    return true;
}

static bool read_object(const struct source *b)
{
    const cJSON *type = member(b, "type");
    if (!cJSON_IsString(type))
        return bad(b, "type", "the battery's type, such as heads_zero");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(type->valuestring, types[i].name) == 0)
            return note_keys(b, &types[i]) && types[i].read(b);
    return abl_fail(b->r->err, ABL_BAD_DATA,
                    "'%s': \"type\" is '%s': expected heads_zero, heads_pair_zero, "
                    "heads_subset_zero, activation_patch, sham, partial, ov, lens or attn",
                    b->path, type->valuestring);
}

static bool keep_text(const struct source *b)
{
    char *text = cJSON_PrintUnformatted(b->o);
    b->out->text = text ? arena_strdup(&b->r->config->arena, text) : NULL;
    cJSON_free(text);
    return b->out->text || abl_no_memory(b->r->err);
}

bool battery_read(struct config_reader *r, const char *path, const cJSON *overrides,
                  struct settings *s, struct battery *out)
{
    *out = (struct battery){ .n_scales = 1 };
    if (!path)
        return abl_fail(r->err, ABL_BAD_DATA,
                        "'%s': \"battery\" is missing: expected the path of a battery file",
                        r->path);
    const char *found;
    if (!config_find(r, path, &found))
        return false;
    if (!found)
        return abl_fail(
            r->err, ABL_BAD_DATA,
            "'%s': \"battery\" is '%s': there is no such file here or in a folder above", r->path,
            path);
    cJSON *o = config_parse(r, found, NULL);
    if (!o)
        return false;
    struct source b = { r, found, o, s, out };
    bool ok = (!overrides || doc_merge(o, overrides) || abl_no_memory(r->err)) && read_object(&b)
              && keep_text(&b);
    cJSON_Delete(o);
    return ok;
}
