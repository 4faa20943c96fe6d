#include "text/records_parquet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/duckdb.h"
#include "base/file.h"
#include "text/records_json.h"

// An empty file of our own; its name is the caller's, NULL with err filled.
static char *temporary(struct abl_err *err)
{
    const char *folder = getenv("TMPDIR");
    char *path = file_join(folder && *folder ? folder : "/tmp", "abltui-rows-XXXXXX");
    if (!path) {
        abl_no_memory(err);
        return NULL;
    }
    int fd = mkstemp(path);
    if (fd >= 0) {
        close(fd);
        return path;
    }
    abl_fail(err, ABL_FAILED, "cannot write a temporary file '%s': %s", path, strerror(errno));
    free(path);
    return NULL;
}

// The file's rows as lines of JSON into `to`.
static bool convert(const char *path, const char *to, struct abl_err *err)
{
    struct buf sql = { 0 };
    bool found = false;
    buf_str(&sql, "COPY (SELECT * FROM read_parquet('");
    duckdb_put_path(&sql, path, true);
    buf_str(&sql, "')) TO '");
    duckdb_put_path(&sql, to, false);
    buf_str(&sql, "' (FORMAT json);\n");
    bool ok = (!sql.failed || abl_no_memory(err)) && duckdb_run(&sql, &found, err);
    buf_release(&sql);
    if (!ok)
        return abl_fail_in(err, "'%s'", path);
    return found
           || abl_fail(err, ABL_FAILED,
                       "'%s' is Parquet, which takes DuckDB to read: install it ('pip install "
                       "duckdb'), or save the file as CSV or JSON",
                       path);
}

bool records_parquet(const char *path, size_t max_size, struct record_list *out,
                     struct abl_err *err)
{
    struct file_bytes bytes;
    char *to = temporary(err);
    bool ok = to && convert(path, to, err) && file_read(to, max_size, &bytes, ABL_FAILED, err);
    if (to)
        unlink(to);
    free(to);
    if (!ok)
        return false;
    out->made = (struct buf){ .data = bytes.data, .len = bytes.size };
    out->derived = true;
    return records_lines(bytes.data, bytes.size, "row", out, err);
}
