// What a run was asked to do, as far as it determines results: it names run directories.
#ifndef ABL_REPORT_CONFIG_H
#define ABL_REPORT_CONFIG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sha256.h"
#include "session/session.h"

// Append the canonical config of what `settings` asked of the session: resolved options as JSON
// with sorted keys, no white space. The model's hash is handed in because it takes a while to make.
// partial adds the key that marks an interrupted run; hashes are taken without it.
bool config_write(const struct session *session, const struct settings *settings,
                  const char model_sha256[SHA256_HEX], bool partial, struct buf *out,
                  struct abl_err *err);

// Append "<model>-<data>-<experiment>_<12 hex of the canonical config's SHA-256>", fit for a
// folder's name.
bool config_run_name(const struct session *session, const struct settings *settings,
                     const char model_sha256[SHA256_HEX], struct buf *out, struct abl_err *err);

// Append a name that comes from a path or a file, with '_' for what some file system or shell does
// not take.
void run_name_plain(struct buf *out, const char *text);

// "zero", "scale=0.5", "mean", "resample" or "patch", as every file names a kind of ablation.
enum { ABLATION_SIZE = 32, ABLATE_SIZE = MAX_ABLATIONS * ABLATION_SIZE };
const char *ablation_text(const struct ablation *how, char out[ABLATION_SIZE]);

// The kinds of a run, with commas between them; NULL where the experiment ablates nothing (patch,
// ov, attn).
const char *ablate_text(const struct settings *s, char out[ABLATE_SIZE]);

#endif
