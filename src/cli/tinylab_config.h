// Run files: tinyLab's configurations as they are, and ours in the same shapes.
//
//   single   { run_name, seeds, device, model {…}, dataset {…}, battery: "path", … }
//   several  { run_name, battery: "path", shared {…},
//              conditions [{ tag, dataset {…}, battery?, battery_overrides? }, …] }
//
// A condition is `shared` with the condition's own keys merged over it, objects key by key,
// everything else replaced. A battery is a file beside the configuration or, for paths from the top
// of a checkout, in a folder above it, or one of ours.
#ifndef ABL_CLI_TINYLAB_CONFIG_H
#define ABL_CLI_TINYLAB_CONFIG_H

#include <stdbool.h>

#include "base/err.h"
#include "cli/config_runs.h"
#include "session/settings.h"

// Read a configuration: a path, or the name of a ready run. What the options say goes before what
// the file says: model, device, n_boot and max_rows are NULL or 0 where they say nothing.
// ABL_BAD_DATA and ABL_USAGE name file and key. tinylab_config_release ends it, also after a
// failure.
bool tinylab_config_read(const char *path, const struct settings *options,
                         struct tinylab_config *out, struct abl_err *err);
void tinylab_config_release(struct tinylab_config *c);

#endif
