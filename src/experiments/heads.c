// Each head alone.
#include "experiments/chosen.h"
#include "experiments/experiments.h"

const struct experiment experiment_heads = {
    .name = "heads",
    .about = "each head alone",
    .options = READS_ABLATION | READS_HEADS,
    .traits = SCORES_ANSWERS,
    .makes = MAKES(ROLE_HEAD),
    .swept = ROLE_HEAD,
    .list = chosen_list_heads,
};
