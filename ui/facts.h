// What is true of a loaded model and its rows, whatever is ablated.
#ifndef ABL_UI_FACTS_H
#define ABL_UI_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/model.h"
#include "session/session.h"
#include "stats/stats.h"
#include "text/clusters.h"

struct facts {
    char model[128], condition[128], split[16], device[160], bos[48];
    const char *compat;   // whose conventions the run keeps; NULL: ours
    const char *baseline; // what effects compare with: "intact", "corrupt"
    char ablated_at[64];  // where heads are ablated; empty: everywhere
    bool whole_answers;   // answers of any number of tokens are scored
    bool has_bos;         // prompts are read behind `bos`
    struct model_shape shape;
    size_t n_rows, n_dropped;
    uint32_t n_clusters;
    char clusters[CLUSTERS_SIZE]; // as people read it
    const char *scope;            // of what they let say; NULL: nothing to add
    double accuracy;              // share of rows whose intact top token is the target
    struct estimate intact_ld;
    size_t n_warnings;
    char warning[512]; // the first
};

void facts_gather(const struct session *session, struct facts *f);

// What the log should say about a loaded model: a line each; warnings, which the header counts,
// begin with a tab and '!'.
void facts_describe(const struct facts *f, const struct session *session, struct buf *out);

#endif
