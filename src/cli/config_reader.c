#include "cli/config_reader.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_canonical.h"
#include "base/near.h"
#include "base/printable.h"

enum { CONFIG_MAX_BYTES = 4 << 20, CONFIG_MAX_KEYS = 1000 };

bool config_note(struct config_reader *r, const char *format, ...)
{
    char raw[1024], text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    printable_copy(text, sizeof text, raw);
    for (size_t i = 0; i < r->config->n_notes; i++)
        if (strcmp(r->config->notes[i], text) == 0)
            return true;
    if (r->config->n_notes == CONFIG_MAX_NOTES)
        return true;
    const char *kept = arena_strdup(&r->config->arena, text);
    if (!kept)
        return abl_no_memory(r->err);
    r->config->notes[r->config->n_notes++] = kept;
    return true;
}

// cJSON looks keys up one by one: no object of a run file has nearly as many.
static bool has_too_many_keys(const cJSON *o)
{
    size_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, o)
    {
        if ((cJSON_IsObject(o) && ++n > CONFIG_MAX_KEYS) || has_too_many_keys(item))
            return true;
    }
    return false;
}

cJSON *config_parse(struct config_reader *r, const char *path, const char **kept)
{
    struct file_bytes bytes;
    struct buf text = { 0 };
    char name[512];
    snprintf(name, sizeof name, "'%s'", path);
    if (!file_read(path, CONFIG_MAX_BYTES, &bytes, ABL_BAD_DATA, r->err))
        return NULL;
    size_t bom = bytes.size >= 3 && memcmp(bytes.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    // What cJSON reads has been checked and written anew: it lets much pass and follows any depth.
    bool ok = json_canonical(name, bytes.data + bom, bytes.size - bom, ABL_BAD_DATA, &text, r->err)
              && (!text.failed || abl_no_memory(r->err));
    cJSON *parsed = ok ? cJSON_ParseWithLength(text.data, text.len) : NULL;
    if (parsed && kept && !(*kept = arena_strdup(&r->config->arena, text.data))) {
        cJSON_Delete(parsed);
        parsed = NULL;
    }
    if (ok && !parsed)
        abl_no_memory(r->err);
    if (parsed && (!cJSON_IsObject(parsed) || has_too_many_keys(parsed))) {
        if (cJSON_IsObject(parsed))
            abl_fail(r->err, ABL_BAD_DATA,
                     "'%s' has an object of more than %d keys: expected a run file or a battery",
                     path, CONFIG_MAX_KEYS);
        else
            abl_fail(r->err, ABL_BAD_DATA,
                     "'%s' is no JSON object: expected a run file or a battery", path);
        cJSON_Delete(parsed);
        parsed = NULL;
    }
    buf_release(&text);
    file_bytes_release(&bytes);
    return parsed;
}

const cJSON *config_get(struct config_reader *r, const cJSON *o, const char *place, const char *key,
                        cJSON_bool (*is)(const cJSON *), const char *expected)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    if (!item || cJSON_IsNull(item) || is(item))
        return item && !cJSON_IsNull(item) ? item : NULL;
    r->failed = true;
    abl_fail(r->err, ABL_BAD_DATA, "'%s': \"%s%s\" is no %s", r->path, place, key, expected);
    return NULL;
}

const char *config_text(struct config_reader *r, const cJSON *o, const char *place, const char *key)
{
    const cJSON *item = config_get(r, o, place, key, cJSON_IsString, "string");
    const char *text = item ? arena_strdup(&r->config->arena, item->valuestring) : NULL;
    if (item && !text) {
        r->failed = true;
        abl_no_memory(r->err);
    }
    return text;
}

double config_number(struct config_reader *r, const cJSON *o, const char *place, const char *key,
                     double least, double most, double otherwise)
{
    const cJSON *item = config_get(r, o, place, key, cJSON_IsNumber, "number");
    if (!item || (item->valuedouble >= least && item->valuedouble <= most))
        return item ? item->valuedouble : otherwise;
    r->failed = true;
    abl_fail(r->err, ABL_BAD_DATA, "'%s': \"%s%s\" is %g: expected %g to %g", r->path, place, key,
             item->valuedouble, least, most);
    return otherwise;
}

uint64_t config_whole(struct config_reader *r, const cJSON *o, const char *place, const char *key,
                      uint64_t least, uint64_t most, uint64_t otherwise)
{
    double value = config_number(r, o, place, key, (double)least, (double)most, (double)otherwise);
    if (value == floor(value))
        return (uint64_t)value;
    r->failed = true;
    abl_fail(r->err, ABL_BAD_DATA, "'%s': \"%s%s\" is %g: expected a whole number", r->path, place,
             key, value);
    return otherwise;
}

// ------------------------------------------------------------------------------------------ places

// *out stays NULL where there is no such file. False when memory is out, as in all that follow.
static bool look_at(struct config_reader *r, const char *path, bool folders, const char **out)
{
    if (!path)
        return abl_no_memory(r->err);
    if (file_exists(path) && (folders || !file_is_dir(path)))
        *out = path;
    return true;
}

// configs/ lies beside data/ in the sources and inside the data folder where it is installed.
static bool among_ours(struct config_reader *r, const char *name, const char *ending,
                       const char **out)
{
    static const char *const places[] = { "configs", "../configs" };
    bool ok = true;
    for (size_t i = 0; ok && !*out && i < sizeof places / sizeof *places; i++)
        ok = look_at(r,
                     file_path(&r->config->arena, "%s/%s/%s%s", r->options->data_dir, places[i],
                               name, ending),
                     false, out);
    return ok;
}

bool config_ready(struct config_reader *r, const char *name, const char **out)
{
    *out = NULL;
    return strchr(name, '/')
           || (among_ours(r, name, "", out) && (*out || among_ours(r, name, ".json", out)));
}

// The folder of the configuration, without links and dots; the caller's: free. NULL where it cannot
// be told.
static bool folder_of(const char *path, char **out, struct abl_err *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    *out = folder ? realpath(folder, NULL) : NULL;
    bool ok = folder && (*out || errno != ENOMEM);
    free(folder);
    return ok || abl_no_memory(err);
}

// A path as it is short: from the working directory where it lies below that.
static const char *shortened(const char *path)
{
    char *here = realpath(".", NULL);
    size_t len = here ? strlen(here) : 0;
    bool below = len > 1 && strncmp(path, here, len) == 0 && path[len] == '/';
    free(here);
    return below ? path + len + 1 : path;
}

// From the configuration's folder or one above it.
static bool find_upwards(struct config_reader *r, const char *name, const char **out)
{
    char *folder;
    if (!folder_of(r->path, &folder, r->err))
        return false;
    bool ok = true;
    for (size_t len = folder ? strlen(folder) : 0; folder && ok && !*out;) {
        ok = look_at(r, arena_printf(&r->config->arena, "%.*s/%s", (int)len, folder, name), true,
                     out);
        if (!len)
            break;
        do
            len--;
        while (len && folder[len] != '/');
    }
    free(folder);
    if (*out)
        *out = shortened(*out);
    return ok;
}

// Wherever the program is started; else as the name stands.
static bool find_file(struct config_reader *r, const char *name, const char **out)
{
    if (*name != '/' && !find_upwards(r, name, out))
        return false;
    return *out || look_at(r, arena_strdup(&r->config->arena, name), true, out);
}

bool config_find(struct config_reader *r, const char *name, const char **out)
{
    *out = NULL;
    return find_file(r, name, out) && (*out || *name == '/' || among_ours(r, name, "", out));
}

// -------------------------------------------------------------------------------------------- keys

struct known_key {
    const char *place, *key;
    const char *why; // it has no meaning here; NULL: it is used
};

static const struct known_key known_keys[] = {
    { "", "run_name", NULL },
    { "", "seeds", NULL },
    { "", "seed", NULL },
    { "", "device", NULL },
    { "", "model", NULL },
    { "", "dataset", NULL },
    { "", "battery", NULL },
    { "", "battery_overrides", NULL },
    { "", "shared", NULL },
    { "", "conditions", NULL },
    { "", "tag", NULL },
    { "", "metric_span", NULL },
    { "", "verify_slice", NULL },
    { "", "profiling", NULL },
    { "", "rows", NULL },
    { "", "boot", NULL },
    { "", "csv_safe", NULL },
    { "", "metrics", "every metric is computed" },
    { "", "batch_size", "--mem decides how much runs at once" },
    { "", "max_seq_len", "prompts are read whole" },
    { "", "low_memory", "--mem decides" },
    { "model.", "name", NULL },
    { "model.", "revision", NULL },
    { "model.", "dtype", NULL },
    { "model.", "family", "the checkpoint says what it is" },
    { "model.", "hf_model", NULL },
    { "model.", "low_memory", "--mem decides" },
    { "dataset.", "id", NULL },
    { "dataset.", "split", NULL },
    { "dataset.", "clean_field", NULL },
    { "dataset.", "corrupt_field", NULL },
    { "dataset.", "target_field", NULL },
    { "dataset.", "foil_field", NULL },
    { "verify_slice.", "n_examples", NULL },
    { "verify_slice.", "device", NULL },
    { "profiling.", "interval_s", NULL },
    { "profiling.", "powermetrics", "power is not measured" },
};

static const struct known_key *find_key(const char *place, const char *key)
{
    for (size_t i = 0; i < sizeof known_keys / sizeof *known_keys; i++)
        if (strcmp(known_keys[i].place, place) == 0 && strcmp(known_keys[i].key, key) == 0)
            return &known_keys[i];
    return NULL;
}

// The key of the same object that may have been meant, NULL where none is near.
static const char *nearest_key(const char *place, const char *key)
{
    const char *nearest = NULL;
    size_t best = NEAR_ENOUGH + 1;
    for (size_t i = 0; i < sizeof known_keys / sizeof *known_keys; i++) {
        size_t far = strcmp(known_keys[i].place, place) == 0 ? near_distance(known_keys[i].key, key)
                                                             : SIZE_MAX;
        if (far < best) {
            best = far;
            nearest = known_keys[i].key;
        }
    }
    return nearest;
}

static bool note_key(struct config_reader *r, const char *place, const char *key)
{
    const struct known_key *k = find_key(place, key);
    const char *near = k ? NULL : nearest_key(place, key);
    if (k && k->why)
        return config_note(r, "'%s': \"%s%s\" has no meaning here: %s", r->path, place, key,
                           k->why);
    if (near)
        return config_note(r, "'%s': unknown key \"%s%s\" is ignored: did you mean \"%s%s\"?",
                           r->path, place, key, place, near);
    return k || config_note(r, "'%s': unknown key \"%s%s\" is ignored", r->path, place, key);
}

bool config_check_keys(struct config_reader *r, const cJSON *o, const char *place)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, o)
    {
        if (r->config->n_notes == CONFIG_MAX_NOTES)
            break;
        if (item->string[0] != '_' && !note_key(r, place, item->string)) // "_" begins a comment
            return false;
    }
    return true;
}
