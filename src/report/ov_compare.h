// Which heads agree between OV reports: of one model under several conditions, of checkpoints, of
// models with other vocabularies.
#ifndef ABL_REPORT_OV_COMPARE_H
#define ABL_REPORT_OV_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "report/doc.h"
#include "report/ov_file.h"

// compare.json: every two reports, and in them every head (layer, head) that both have. Reports of
// one vocabulary and width are compared by the cosine of the heads' vectors; any two by the overlap
// (Jaccard index) of their top and of their bottom tokens' texts, and by the rank correlation
// (Spearman) of the scores of the tokens that both list. A head agrees where the cosine is at least
// 0.8 or, without one, where top and bottom overlap by a quarter at least on average and the
// correlation is positive.
bool ov_compare_doc(const struct ov_file *const *files, size_t n, struct doc *out,
                    struct abl_err *err);

// ov_clusters.json: for each token's text in how many lists of heads it stands
// among the first `limit` (0 = all) top tokens, and likewise bottom tokens;
// the n_shown most frequent, ties by text.
bool ov_clusters_doc(const struct ov_file *const *files, size_t n, size_t limit, size_t n_shown,
                     struct doc *out, struct abl_err *err);

#endif
