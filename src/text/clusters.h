// Which rows are resampled, flipped and held out together: rows of one wording, or of one prompt,
// say much the same, and are no independent witnesses.
#ifndef ABL_TEXT_CLUSTERS_H
#define ABL_TEXT_CLUSTERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "text/prompt.h"

enum { LEAST_TEMPLATES = 8, CLUSTERS_SIZE = 64 };

// Number the clusters of p's rows, and say in p->clustered what they are. CLUSTER_AUTO: as
// `cluster` says where a row has one; else templates, where rows have at least LEAST_TEMPLATES;
// else distinct clean prompts. A row that lacks what the others have is one by its prompt; what is
// asked for by name has to be in every row (ABL_BAD_DATA).
bool clusters_number(struct prompts *p, enum cluster_by by, struct abl_err *err);

// "auto", "prompt", "template", "cluster"; a name_list.
const char *cluster_name(size_t by);

// "17 clusters by template"; in short "17 templates".
const char *clusters_text(const struct prompts *p, char out[CLUSTERS_SIZE]);
const char *clusters_short(const struct prompts *p, char out[CLUSTERS_SIZE]);

// "for these wordings only", where rows have templates and other rows of the same ones may not tell
// what other templates would say; NULL: clusters stand for more.
const char *clusters_scope(const struct prompts *p);

#endif
