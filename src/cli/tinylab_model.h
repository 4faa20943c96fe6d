// Which model a run file asks for.
#ifndef ABL_CLI_TINYLAB_MODEL_H
#define ABL_CLI_TINYLAB_MODEL_H

#include <stdbool.h>

#include "cli/config_reader.h"

// "model" of a condition: s->model is its name with its revision, unless the command line names
// one, whose revision it is then. What the two cannot both have is ABL_USAGE.
bool tinylab_model_read(struct config_reader *r, const cJSON *o, struct settings *s);

#endif
