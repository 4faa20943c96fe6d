// Rows made of templates and the values of their slots.
#ifndef ABL_TEXT_TEMPLATE_ROWS_H
#define ABL_TEXT_TEMPLATE_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/file.h"
#include "text/data_fields.h"
#include "text/record.h"

enum { MAX_TEMPLATES = 64, MAX_MADE_ROWS = 1000000 };

// What is asked for; everything borrowed.
struct row_templates {
    const char *clean[MAX_TEMPLATES];   // (n) --template
    const char *corrupt[MAX_TEMPLATES]; // (n_corrupt) --corrupt: none, or one for each of clean
    size_t n, n_corrupt;
    const char *slots; // --slots: the table's path
};

// JSON lines, a row each, into out, which records_release frees: for each template every
// combination of one value for each column that it, its corrupt twin and its answers use, but those
// in which two columns have the same value. The first template and the first columns change last.
//
//   clean, corrupt    the templates, filled
//   target, foil      the slots of that name, or that fields call so; a word that stands in the
//                     template gets its leading space, others are taken as they are written, a JSON
//                     list of texts as a list
//   template          the template's text
//   cluster           where there are fewer than 8 templates: the values that stand in the prompts,
//                     sorted, so that rows that only swap roles are one
//   spans             a span for each slot, of corrupt too
//   every slot        under its own name, for --by
//
// ABL_USAGE for templates, ABL_BAD_DATA for the table.
bool template_rows_make(const struct row_templates *t, const struct data_fields *fields,
                        const struct file_bytes *table, struct record_list *out,
                        struct abl_err *err);

#endif
