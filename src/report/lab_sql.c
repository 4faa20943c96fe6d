#include "report/lab_sql.h"

#include <stdlib.h>
#include <string.h>

#include "base/duckdb.h"

enum { FILE_MAX = 1 << 20 };

// Where the lines below "-- name" begin; NULL where there is no such line.
static const char *find_statement(const char *file, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = file; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, "-- ", 3) == 0 && strncmp(at + 3, name, len) == 0 && at[3 + len] == '\n')
            return at + 3 + len + 1;
    }
    return NULL;
}

bool lab_sql_read(const char *data_dir, struct file_bytes *out, struct abl_err *err)
{
    char *path = file_join(data_dir, "lab_tables.sql");
    bool ok = path ? file_read(path, FILE_MAX, out, ABL_FAILED, err) : abl_no_memory(err);
    free(path);
    return ok;
}

bool lab_sql_statement(const char *file, const char *name, const char *from, const char *to,
                       struct buf *out, struct abl_err *err)
{
    static const char *const marks[] = { "{table}", "{pattern}" };
    const char *at = find_statement(file, name);
    if (!at)
        return abl_fail(err, ABL_FAILED, "lab_tables.sql has no statement '%s'", name);
    const char *end = strstr(at, "\n\n");
    end = end ? end + 1 : at + strlen(at);
    while (at < end) {
        bool is_mark = false;
        for (size_t i = 0; !is_mark && i < sizeof marks / sizeof *marks; i++)
            if (strncmp(at, marks[i], strlen(marks[i])) == 0) {
                duckdb_put_path(out, i ? from : to, i);
                at += strlen(marks[i]);
                is_mark = true;
            }
        if (!is_mark)
            buf_char(out, *at++);
    }
    return !out->failed || abl_no_memory(err);
}
