// What a row of data holds, and what a file calls it.
#ifndef ABL_TEXT_DATA_FIELDS_H
#define ABL_TEXT_DATA_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum data_field {
    DATA_CLEAN,
    DATA_CORRUPT,
    DATA_TARGET,
    DATA_FOIL,
    DATA_ID,
    DATA_TEMPLATE,
    DATA_CLUSTER,
    DATA_SPANS,
    DATA_CORRUPT_SPANS,
    N_DATA_FIELDS,
};

// "clean", …: as files call them that say nothing else; a name_list.
const char *data_field_name(size_t field);

struct data_fields {
    const char *names[N_DATA_FIELDS]; // NULL: its own
    const char *by;                   // the one that groups the rows, of any name; NULL = none
    bool foilless;                    // rows may do without a foil
    bool free;                        // a table of slots: no column is required
};

// What a file calls a field. fields NULL: all have their own names.
const char *data_field_in_file(const struct data_fields *fields, enum data_field field);

// The field that a file calls so; N_DATA_FIELDS where it is none.
enum data_field data_field_find(const struct data_fields *fields, const char *name, size_t len);

// Whether every row has it; of a file whose fields these are.
bool data_field_is_required(const struct data_fields *fields, enum data_field field);

// Read "clean=prompt,target=answer" into out's names; they lie in the arena. ABL_USAGE says what is
// wrong.
bool data_fields_parse(const char *text, struct arena *a, struct data_fields *out,
                       struct abl_err *err);

// The same back, of the fields that are called something else; NULL where none is or memory is
// out, and then *failed is set.
const char *data_fields_text(const struct data_fields *fields, struct arena *a, bool *failed);

#endif
