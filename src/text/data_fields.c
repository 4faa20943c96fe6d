#include "text/data_fields.h"

#include <string.h>

#include "base/buf.h"
#include "base/names.h"

const char *data_field_name(size_t field)
{
    static const char *const names[] = {
        [DATA_CLEAN] = "clean",
        [DATA_CORRUPT] = "corrupt",
        [DATA_TARGET] = "target",
        [DATA_FOIL] = "foil",
        [DATA_ID] = "id",
        [DATA_TEMPLATE] = "template",
        [DATA_CLUSTER] = "cluster",
        [DATA_SPANS] = "spans",
        [DATA_CORRUPT_SPANS] = "corrupt_spans",
    };
    return field < N_DATA_FIELDS ? names[field] : NULL;
}

const char *data_field_in_file(const struct data_fields *fields, enum data_field field)
{
    const char *given = fields ? fields->names[field] : NULL;
    return given ? given : data_field_name(field);
}

enum data_field data_field_find(const struct data_fields *fields, const char *name, size_t len)
{
    for (size_t f = 0; f < N_DATA_FIELDS; f++) {
        const char *own = data_field_in_file(fields, (enum data_field)f);
        if (strlen(own) == len && memcmp(own, name, len) == 0)
            return (enum data_field)f;
    }
    return N_DATA_FIELDS;
}

bool data_field_is_required(const struct data_fields *fields, enum data_field field)
{
    if (field == DATA_FOIL)
        return !fields || !fields->foilless;
    return field == DATA_CLEAN || field == DATA_TARGET;
}

// One "field=name".
static bool parse_one(const char *text, size_t len, struct arena *a, struct data_fields *out,
                      struct abl_err *err)
{
    const char *equals = memchr(text, '=', len);
    size_t field, name_len = equals ? (size_t)(equals - text) : 0;
    char known[NAMES_SIZE];
    if (!equals || !name_find(data_field_name, 0, text, name_len, &field))
        return abl_fail(err, ABL_USAGE, "'%.*s': expected FIELD=NAME with %s for FIELD", (int)len,
                        text, names_join(data_field_name, 0, ", ", " or ", known, sizeof known));
    if (equals + 1 == text + len)
        return abl_fail(err, ABL_USAGE, "'%.*s': expected the name of a column behind =", (int)len,
                        text);
    if (out->names[field])
        return abl_fail(err, ABL_USAGE, "\"%s\" is named twice", data_field_name(field));
    out->names[field] = arena_strndup(a, equals + 1, len - name_len - 1);
    return out->names[field] || abl_no_memory(err);
}

bool data_fields_parse(const char *text, struct arena *a, struct data_fields *out,
                       struct abl_err *err)
{
    struct data_fields f = { .by = out->by, .foilless = out->foilless };
    while (true) {
        size_t len = strcspn(text, ",");
        if (!parse_one(text, len, a, &f, err))
            return false;
        if (!text[len])
            break;
        text += len + 1;
    }
    *out = f;
    return true;
}

const char *data_fields_text(const struct data_fields *fields, struct arena *a, bool *failed)
{
    struct buf b = { 0 };
    for (size_t f = 0; f < N_DATA_FIELDS; f++)
        if (fields->names[f] && strcmp(fields->names[f], data_field_name(f)) != 0)
            buf_printf(&b, "%s%s=%s", b.len ? "," : "", data_field_name(f), fields->names[f]);
    const char *text = b.len && !b.failed ? arena_strndup(a, b.data, b.len) : NULL;
    *failed |= b.failed || (b.len && !text);
    buf_release(&b);
    return text;
}
