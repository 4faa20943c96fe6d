#include "cli/option_readers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/number.h"
#include "experiments/experiments.h"
#include "plan/head_file.h"

static bool bad_value(const struct option *o, const char *value, const char *expected,
                      struct abl_err *err)
{
    return abl_fail(err, ABL_USAGE, "bad value '%s' for --%s: expected %s", value, o->name,
                    expected);
}

static bool bad_name(const struct option *o, const char *value, const char *more,
                     struct abl_err *err)
{
    char names[NAMES_SIZE], expected[NAMES_SIZE + 32];
    if (o->expected)
        return bad_value(o, value, o->expected, err);
    names_join(o->names, o->first, ", ", " or ", names, sizeof names);
    snprintf(expected, sizeof expected, "%s%s", names, more);
    return bad_value(o, value, expected, err);
}

static void *place_of(const struct option *o, struct cli *cli)
{
    return (char *)cli + o->at;
}

// Enums, bools and whole numbers, whatever their width.
static void put_whole(const struct option *o, struct cli *cli, uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    bool truth = value;
    const void *from = o->size == sizeof value    ? (const void *)&value
                       : o->size == sizeof narrow ? (const void *)&narrow
                                                  : &truth;
    memcpy(place_of(o, cli), from, o->size);
}

bool option_flag(const struct option *o, const char *value, struct cli *cli, struct abl_err *err)
{
    (void)value;
    (void)err;
    cli->flags |= o->flag;
    return true;
}

bool option_true(const struct option *o, const char *value, struct cli *cli, struct abl_err *err)
{
    (void)value;
    (void)err;
    put_whole(o, cli, true);
    return true;
}

bool option_text(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    memcpy(place_of(o, cli), &v, sizeof v);
    return *v || bad_value(o, v, o->expected, err);
}

bool option_heads(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    const char *text;
    if (!option_text(o, v, cli, err))
        return false;
    if (!head_file_text(v, &cli->texts, &text, err))
        return abl_fail_in(err, "--%s", o->name);
    return option_text(o, text, cli, err);
}

bool option_map(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    return data_fields_parse(v, &cli->texts, &cli->run.fields, err)
           || abl_fail_in(err, "--%s", o->name);
}

static bool add_template(const struct option *o, const char *v, const char **list, size_t *n,
                         struct abl_err *err)
{
    if (*n == MAX_TEMPLATES)
        return abl_fail(err, ABL_USAGE, "more than %d of --%s", MAX_TEMPLATES, o->name);
    list[(*n)++] = v;
    return *v || bad_value(o, v, o->expected, err);
}

bool option_template(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    struct row_templates *t = &cli->run.templates;
    return add_template(o, v, t->clean, &t->n, err);
}

bool option_foil(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    cli->run.fields.foilless = true;
    return foil_rule_parse(v, &cli->run.foil) || bad_value(o, v, o->expected, err);
}

bool option_corrupt(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    struct row_templates *t = &cli->run.templates;
    return add_template(o, v, t->corrupt, &t->n_corrupt, err);
}

bool option_count(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    uint64_t n;
    if (!number_parse_whole(v, &n) || n < o->least || n > o->most)
        return bad_value(o, v, o->expected, err);
    put_whole(o, cli, n);
    return true;
}

// The whole number that a text begins with; NULL where it begins with none.
static const char *read_whole(const char *v, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = *v >= '0' && *v <= '9' ? strtoull(v, &end, 10) : 0;
    return *v >= '0' && *v <= '9' && !errno ? end : NULL;
}

bool option_bytes(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    static const char units[] = "KMGT";
    uint64_t bytes;
    const char *end = read_whole(v, &bytes), *rest = end && *end ? end + 1 : "";
    const char *unit = end && *end & ~0x20 ? strchr(units, *end & ~0x20) : NULL;
    bool ok
        = end && (!*end || unit) && (!*rest || strcmp(rest, "iB") == 0 || strcmp(rest, "B") == 0);
    for (long i = 0; ok && unit && i <= unit - units; i++)
        ok = !__builtin_mul_overflow(bytes, (uint64_t)1024, &bytes);
    if (!ok || bytes < o->least || bytes > o->most)
        return bad_value(o, v, o->expected, err);
    put_whole(o, cli, bytes);
    return true;
}

bool option_duration(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    static const struct {
        char name;
        uint64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    uint64_t n, seconds = 0;
    const char *end = read_whole(v, &n);
    for (size_t i = 0; end && i < sizeof units / sizeof *units; i++)
        if (*end == units[i].name && !end[1]
            && __builtin_mul_overflow(n, units[i].seconds, &seconds))
            seconds = 0;
    if (!seconds)
        return bad_value(o, v, o->expected, err);
    put_whole(o, cli, seconds);
    return true;
}

bool option_share(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    double share;
    if (!number_parse(v, &share) || !(share > 0 && share < 1))
        return bad_value(o, v, o->expected, err);
    memcpy(place_of(o, cli), &share, sizeof share);
    return true;
}

bool option_part(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    char number[32];
    size_t len = strlen(v);
    bool percent = len && v[len - 1] == '%';
    double part;
    if (len - percent < sizeof number) {
        memcpy(number, v, len - percent);
        number[len - percent] = '\0';
        if (number_parse(number, &part) && part >= 0) {
            part /= percent ? 100 : 1;
            memcpy(place_of(o, cli), &part, sizeof part);
            return true;
        }
    }
    return bad_value(o, v, o->expected, err);
}

bool option_name(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    size_t value;
    if (!name_find(o->names, o->first, v, strlen(v), &value))
        return bad_name(o, v, "", err);
    put_whole(o, cli, value);
    return true;
}

bool option_bits(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    uint64_t bits = 0;
    size_t value;
    for (const char *at = v; *at;) {
        size_t len = strcspn(at, ",");
        if (!name_find(o->names, o->first, at, len, &value))
            break;
        bits |= UINT64_C(1) << value;
        at += len;
        if (!*at++) {
            put_whole(o, cli, bits);
            return true;
        }
    }
    return bad_name(o, v, ", or several", err);
}

bool option_data(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    if (cli->n_data == MAX_ARGS)
        return abl_fail(err, ABL_USAGE, "more than %d conditions: run it several times", MAX_ARGS);
    cli->data[cli->n_data++] = v;
    return *v || bad_value(o, v, o->expected, err);
}

bool option_tokenizer(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    if (!*v || cli->n_tokenizers == MAX_ARGS)
        return bad_value(o, v, o->expected, err);
    cli->tokenizers[cli->n_tokenizers++] = v;
    return true;
}

bool option_source(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    if (!*v || cli->run.n_sources == MAX_ARGS)
        return bad_value(o, v, o->expected, err);
    cli->sources[cli->run.n_sources++] = v;
    return true;
}

static const char *experiment_name(size_t i)
{
    return i < N_EXPERIMENTS ? experiments[i]->name : NULL;
}

bool option_experiment(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    size_t number;
    char expected[NAMES_SIZE];
    if (!name_find(experiment_name, 0, v, strlen(v), &number))
        return bad_value(
            o, v, names_join(experiment_name, 0, ", ", " or ", expected, sizeof expected), err);
    cli->run.experiment = experiments[number];
    return true;
}

bool option_ablate(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    char kinds[NAMES_SIZE], expected[NAMES_SIZE + 128];
    struct ablations all = { .items = { cli->run.ablation } };
    if (ablations_parse(v, &all)) {
        cli->run.ablation = all.items[0];
        cli->run.also.n = all.n - 1;
        memcpy(cli->run.also.items, all.items + 1, cli->run.also.n * sizeof *all.items);
        return true;
    }
    names_join(ablation_kind_name, 0, ", ", ", ", kinds, sizeof kinds);
    snprintf(expected, sizeof expected,
             "%s, or scale=S such as scale=0.5; several with commas between them, each once",
             kinds);
    return bad_value(o, v, expected, err);
}

bool option_suffix(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    cli->suffix = v;
    return !strchr(v, '/') || bad_value(o, v, o->expected, err);
}

// A whole number from `least` to UINT32_MAX; false where a text is none.
static bool read_u32(const char *text, size_t len, uint32_t least, uint32_t *out)
{
    char digits[11];
    if (!len || len >= sizeof digits || strspn(text, "0123456789") < len)
        return false;
    memcpy(digits, text, len);
    digits[len] = '\0';
    unsigned long long value = strtoull(digits, NULL, 10);
    *out = (uint32_t)value;
    return value >= least && value <= UINT32_MAX;
}

// The task of an array, whose numbers need not be from 1 on.
static bool slurm_shard(struct journal_part *out, struct abl_err *err)
{
    static const char *const names[] = { "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN",
                                         "SLURM_ARRAY_TASK_STEP", "SLURM_ARRAY_TASK_COUNT" };
    uint32_t is[4] = { 0 };
    for (size_t i = 0; i < 4; i++) {
        const char *text = getenv(names[i]);
        if (!text || !read_u32(text, strlen(text), i > 1, &is[i]))
            return abl_fail(err, ABL_USAGE,
                            "--shard slurm: %s is %s: expected to run as a task of an array, "
                            "'sbatch --array=1-8'",
                            names[i], text ? text : "not set");
    }
    uint32_t nth = is[0] < is[1] ? UINT32_MAX : (is[0] - is[1]) / is[2];
    if (nth >= is[3] || (is[0] - is[1]) % is[2])
        return abl_fail(err, ABL_USAGE,
                        "--shard slurm: task %u is none of %u from %u by %u: expected an array as "
                        "in 'sbatch --array=1-8'",
                        is[0], is[3], is[1], is[2]);
    *out = (struct journal_part){ nth + 1, is[3] };
    return true;
}

// "2/8" or "slurm"
bool option_shard(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    struct journal_part *to = &cli->shard;
    size_t len = strcspn(v, "/");
    if (strcmp(v, "slurm") == 0)
        return slurm_shard(to, err);
    return (v[len] && read_u32(v, len, 1, &to->i)
            && read_u32(v + len + 1, strlen(v + len + 1), 1, &to->n) && to->i <= to->n
            && to->n <= 100000)
           || bad_value(o, v, o->expected, err);
}

// "0.8,0.1"
bool option_shares(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    char train[32];
    size_t len = strcspn(v, ",");
    cli->has_shares = true;
    bool ok = len < sizeof train && v[len];
    if (ok) {
        memcpy(train, v, len);
        train[len] = '\0';
        ok = number_parse(train, &cli->train_share) && number_parse(v + len + 1, &cli->val_share);
    }
    return (ok && cli->train_share >= 0 && cli->val_share >= 0
            && cli->train_share + cli->val_share <= 1)
           || bad_value(o, v, o->expected, err);
}

bool option_size(const struct option *o, const char *v, struct cli *cli, struct abl_err *err)
{
    unsigned w, h;
    char rest;
    if (sscanf(v, "%ux%u%c", &w, &h, &rest) != 2 || w < 80 || h < 24 || w > 1000 || h > 1000)
        return bad_value(o, v, o->expected, err);
    cli->ui.width = w;
    cli->ui.height = h;
    return true;
}
