// config.json of a checkpoint folder.
#ifndef ABL_MODEL_CONFIG_H
#define ABL_MODEL_CONFIG_H

#include <stdbool.h>

#include "base/err.h"
#include "base/sha256.h"
#include "model/arch.h"
#include "model/shape.h"
#include "text/owner.h"

// Read folder/config.json into shape (all but n_vocab's check against the files) and find its
// family. Absent keys take the class default of the family; what cannot be run exactly is refused
// by name (ABL_BAD_MODEL).
// Where owners of the format disagree, `like` decides and notes gets a line.
bool config_read(const char *folder, enum owner like, struct model_shape *shape,
                 const struct arch **arch, struct owner_notes *notes, struct abl_err *err);

// The same, with the SHA-256 of the bytes that were read; NULL: nobody asks.
bool config_read_hashed(const char *folder, enum owner like, struct model_shape *shape,
                        const struct arch **arch, char *sha256, struct owner_notes *notes,
                        struct abl_err *err);

#endif
