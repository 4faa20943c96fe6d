// What a run in a folder was asked to be, as settings: its config.json in the words of the command
// line, so that every value is checked as one that is typed.
#ifndef ABL_CLI_RUN_SETTINGS_H
#define ABL_CLI_RUN_SETTINGS_H

#include "ui/ui.h"

// Model and data are those that provenance.json has found: they are named, not opened. Values that
// would have another file read are refused.
extern const struct run_reader run_settings_reader;

#endif
