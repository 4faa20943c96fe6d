#include "text/clusters.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/string_index.h"

const char *cluster_name(size_t by)
{
    static const char *const names[] = { [CLUSTER_AUTO] = "auto",
                                         [CLUSTER_PROMPT] = "prompt",
                                         [CLUSTER_TEMPLATE] = "template",
                                         [CLUSTER_GIVEN] = "cluster" };
    return by < sizeof names / sizeof *names ? names[by] : NULL;
}

// Distinct templates of the rows, and whether any row names its cluster.
static bool look_at_rows(struct prompts *p, bool *given, struct abl_err *err)
{
    struct string_index templates = { 0 };
    bool ok = true;
    *given = false;
    for (size_t i = 0; ok && i < p->n; i++) {
        const struct dataset_row *row = p->items[i].row;
        *given = *given || row->cluster;
        ok = !row->template_name
             || string_index_put(&templates, row->template_name, strlen(row->template_name), 0)
             || abl_no_memory(err);
    }
    p->n_templates = (uint32_t)templates.n;
    string_index_release(&templates);
    return ok;
}

static enum cluster_by choose(const struct prompts *p, enum cluster_by by, bool given)
{
    if (by == CLUSTER_TEMPLATE)
        return by;
    if (given)
        return CLUSTER_GIVEN;
    return by == CLUSTER_AUTO && p->n_templates >= LEAST_TEMPLATES ? CLUSTER_TEMPLATE
                                                                   : CLUSTER_PROMPT;
}

static bool refuse_rows_without(const struct prompts *p, enum cluster_by by, struct abl_err *err)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct dataset_row *row = p->items[i].row;
        if (by == CLUSTER_TEMPLATE ? row->template_name : row->cluster)
            continue;
        const char *name = cluster_name(by);
        return abl_fail(err, ABL_BAD_DATA,
                        "'%s' line %" PRIu32 ": \"%s\" is missing, expected in every row for"
                        " --cluster %s",
                        p->source, row->line, name, name);
    }
    return true;
}

// A letter in front keeps names and prompts apart; NULL: no memory.
static const char *key_of(const struct prompts *p, const struct dataset_row *row,
                          struct arena *keys)
{
    if (p->clustered == CLUSTER_TEMPLATE && row->template_name)
        return arena_printf(keys, "t%s", row->template_name);
    if (p->clustered == CLUSTER_GIVEN && row->cluster)
        return arena_printf(keys, "c%s", row->cluster);
    return arena_printf(keys, "p%s", row->clean);
}

static bool number_rows(struct prompts *p, struct abl_err *err)
{
    struct string_index numbers = { 0 };
    struct arena keys = { 0 };
    bool ok = true;
    for (size_t i = 0; ok && i < p->n; i++) {
        const char *key = key_of(p, p->items[i].row, &keys);
        const uint32_t *number
            = key ? string_index_put(&numbers, key, strlen(key), (uint32_t)numbers.n) : NULL;
        ok = number || abl_no_memory(err);
        if (ok)
            p->items[i].cluster = *number;
    }
    p->n_clusters = (uint32_t)numbers.n;
    string_index_release(&numbers);
    arena_release(&keys);
    return ok;
}

bool clusters_number(struct prompts *p, enum cluster_by by, struct abl_err *err)
{
    bool given;
    if (!look_at_rows(p, &given, err))
        return false;
    if ((by == CLUSTER_TEMPLATE || by == CLUSTER_GIVEN) && !refuse_rows_without(p, by, err))
        return false;
    p->clustered = choose(p, by, given);
    return number_rows(p, err);
}

const char *clusters_text(const struct prompts *p, char out[CLUSTERS_SIZE])
{
    snprintf(out, CLUSTERS_SIZE, "%" PRIu32 " clusters by %s", p->n_clusters,
             cluster_name(p->clustered));
    return out;
}

const char *clusters_short(const struct prompts *p, char out[CLUSTERS_SIZE])
{
    snprintf(out, CLUSTERS_SIZE, "%" PRIu32 " %ss", p->n_clusters, cluster_name(p->clustered));
    return out;
}

const char *clusters_scope(const struct prompts *p)
{
    bool few = p->n_templates && p->n_templates < LEAST_TEMPLATES;
    return (p->clustered == CLUSTER_PROMPT && p->n_templates)
                   || (p->clustered == CLUSTER_GIVEN && few)
               ? "for these wordings only"
               : NULL;
}
