#include "cli/run_settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_tree.h"
#include "cli/options.h"

enum { JSON_MAX = 64 << 20 };

// Keys of config.json, and the options that say the same.
static const char *const keys[][2] = {
    { "ablate", "ablate" },
    { "alpha", "alpha" },
    { "answers", "answers" },
    { "boot", "boot" },
    { "bos", "bos" },
    { "by", "by" },
    { "cluster", "cluster" },
    { "compat", "compat" },
    { "controls", "controls" },
    { "direction", "direction" },
    { "donor_from", "donor-from" },
    { "donors", "donors" },
    { "experiment", "experiment" },
    { "foil", "foil" },
    { "heads", "heads" },
    { "holdout", "holdout" },
    { "layers", "layers" },
    { "like", "like" },
    { "map", "map" },
    { "metric", "metric" },
    { "min_effect", "min-effect" },
    { "ov_kind", "kind" },
    { "pairs", "pairs" },
    { "positions", "positions" },
    { "precision", "precision" },
    { "restore", "restore" },
    { "rows", "rows" },
    { "seed", "seed" },
    { "sets", "sets" },
    { "sites", "patch-site" },
    { "span", "span" },
    { "split", "split" },
    { "top_k", "top-k" },
    { "triplets", "triplets" },
    { "value_bias", "value-bias" },
};
enum {
    N_KEYS = sizeof keys / sizeof *keys,
    MAX_SOURCES = 64,
    MAX_WORDS = N_KEYS + 3 * MAX_SOURCES + 8
};

struct kept {
    struct cli cli;
    struct arena arena;
};

struct reader {
    const char *folder;
    struct kept *kept;
    char *words[MAX_WORDS];
    int n;
    struct abl_err *err;
};

static bool add(struct reader *r, const char *option, const char *value)
{
    char *word = NULL;
    if (r->n + 1 < MAX_WORDS)
        word = value ? arena_printf(&r->kept->arena, "--%s=%s", option, value)
                     : arena_printf(&r->kept->arena, "--%s", option);
    r->words[r->n] = word;
    r->n += word != NULL;
    return word || abl_no_memory(r->err);
}

// "all" heads and layers are what stands there where none are named.
static bool is_default(const char *key, const char *value)
{
    return strcmp(value, "all") == 0 && (strcmp(key, "heads") == 0 || strcmp(key, "layers") == 0);
}

static bool add_key(struct reader *r, const cJSON *config, const char *const key[2])
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(config, key[0]);
    if (!item || cJSON_IsNull(item))
        return true;
    if (!cJSON_IsString(item) && !cJSON_IsRaw(item))
        return abl_fail(r->err, ABL_BAD_DATA,
                        "'%s/config.json': \"%s\" is neither a text nor a number", r->folder,
                        key[0]);
    if (*item->valuestring == '@')
        return abl_fail(r->err, ABL_BAD_DATA,
                        "'%s/config.json': \"%s\" names a file: expected what it says", r->folder,
                        key[0]);
    return is_default(key[0], item->valuestring) || add(r, key[1], item->valuestring);
}

static bool add_sources(struct reader *r, const cJSON *config)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(config, "sources"), *item;
    if (cJSON_GetArraySize(list) > MAX_SOURCES)
        return abl_fail(r->err, ABL_BAD_DATA, "'%s/config.json' has more than %d \"sources\"",
                        r->folder, MAX_SOURCES);
    cJSON_ArrayForEach(item, list)
    {
        if (cJSON_IsString(item) && !add(r, "source", item->valuestring))
            return false;
    }
    return true;
}

// Texts with slots that the rows are made of; the values of these are the data.
static bool add_templates(struct reader *r, const cJSON *config)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(config, "templates"), *item;
    if (cJSON_GetArraySize(list) > MAX_SOURCES)
        return abl_fail(r->err, ABL_BAD_DATA, "'%s/config.json' has more than %d \"templates\"",
                        r->folder, MAX_SOURCES);
    cJSON_ArrayForEach(item, list)
    {
        const char *clean = json_tree_text(item, "clean", NULL);
        const char *corrupt = json_tree_text(item, "corrupt", NULL);
        if ((clean && !add(r, "template", clean)) || (corrupt && !add(r, "corrupt", corrupt)))
            return false;
    }
    return true;
}

// The place where the run found its model or data; its name where that is not told. `option` says
// the same.
static bool add_place(struct reader *r, const cJSON *provenance, const cJSON *config,
                      const char *name, const char *option)
{
    const cJSON *of = cJSON_GetObjectItemCaseSensitive(provenance, name);
    const char *place = json_tree_text(of, "path", NULL);
    if (!place || strcmp(place, "-") == 0)
        place = json_tree_text(config, name, NULL);
    return !place || add(r, option, place);
}

static bool is_true(const cJSON *o, const char *key)
{
    // a raw tree has words for them, too
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, key));
}

static bool add_all(struct reader *r, const cJSON *config, const cJSON *provenance)
{
    for (size_t i = 0; i < N_KEYS; i++)
        if (!add_key(r, config, keys[i]))
            return false;
    bool made = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(config, "templates")) > 0;
    return add_sources(r, config) && add_templates(r, config)
           && (!is_true(config, "skip_bad") || add(r, "skip-bad", NULL))
           && (!is_true(config, "csv_safe") || add(r, "csv-safe", NULL))
           && (!is_true(config, "fix_spaces") || add(r, "fix-spaces", NULL))
           && add_place(r, provenance, config, "model", "model")
           && add_place(r, provenance, config, "data", made ? "slots" : "data");
}

static cJSON *read_document(struct reader *r, const char *name)
{
    const char *path = file_path(&r->kept->arena, "%s/%s", r->folder, name);
    if (path)
        return json_tree_read(path, JSON_MAX, JSON_TREE_DIGITS, ABL_BAD_DATA, r->err);
    abl_no_memory(r->err);
    return NULL;
}

static bool parse(struct reader *r)
{
    static char program[] = "abltui";
    cJSON *config = read_document(r, "config.json");
    cJSON *provenance = config ? read_document(r, "provenance.json") : NULL;
    r->words[r->n++] = program;
    bool ok = provenance && add_all(r, config, provenance);
    cJSON_Delete(config);
    cJSON_Delete(provenance);
    if (ok && !cli_parse(r->n, r->words, &r->kept->cli, r->err)) {
        abl_fail_in(r->err, "'%s/config.json'", r->folder);
        r->err->code = ABL_BAD_DATA; // nobody has typed it
        ok = false;
    }
    return ok;
}

static void release(void *kept)
{
    struct kept *k = kept;
    if (!k)
        return;
    arena_release(&k->cli.texts);
    arena_release(&k->arena);
    free(k);
}

static bool read_settings(const char *folder, struct settings *out, void **kept,
                          struct abl_err *err)
{
    struct kept *k = calloc(1, sizeof *k);
    if (!k)
        return abl_no_memory(err);
    struct reader r = { .folder = folder, .kept = k, .err = err };
    if (!parse(&r)) {
        release(k);
        return false;
    }
    *out = k->cli.run;
    *kept = k;
    return true;
}

const struct run_reader run_settings_reader = { read_settings, release };
