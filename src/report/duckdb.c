#include "report/duckdb.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { FILE_MAX = 1 << 20 };

// ------------------------------------------------------------------------------------- statements

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

// A path as text of SQL.
static void put_path(struct buf *out, const char *path, bool pattern)
{
    for (const char *c = path; *c; c++)
        if (pattern && strchr("*?[", *c))
            buf_printf(out, "[%c]", *c);
        else
            buf_str(out, *c == '\'' ? "''" : (char[]){ *c, '\0' });
}

bool duckdb_file(const char *data_dir, struct file_bytes *out, struct abl_err *err)
{
    char *path = file_join(data_dir, "lab_tables.sql");
    bool ok = path ? file_read(path, FILE_MAX, out, ABL_FAILED, err) : abl_no_memory(err);
    free(path);
    return ok;
}

bool duckdb_statement(const char *file, const char *name, const char *from, const char *to,
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
                put_path(out, i ? from : to, i);
                at += strlen(marks[i]);
                is_mark = true;
            }
        if (!is_mark)
            buf_char(out, *at++);
    }
    return !out->failed || abl_no_memory(err);
}

// --------------------------------------------------------------------------------------- processes

enum { CHILD_IN, CHILD_OUT, CHILD_ERR }; // the process's own descriptors
enum { NO_MODULE = 3 };                  // Python is there, without DuckDB

// A module of the folder at hand is not what is meant.
static const char python_code[] = "import sys\n"
                                  "sys.path = [p for p in sys.path if p]\n"
                                  "try:\n"
                                  "    import duckdb\n"
                                  "except ImportError:\n"
                                  "    sys.exit(3)\n"
                                  "duckdb.execute(sys.stdin.read())\n";

static const struct way {
    const char *arguments[4];
} ways[] = {
    { { "duckdb", "-bail", NULL } },
    { { "python3", "-c", python_code, NULL } },
    { { "python", "-c", python_code, NULL } },
};

static bool wait_for(pid_t pid, int *status, struct abl_err *err)
{
    while (waitpid(pid, status, 0) < 0)
        if (errno != EINTR)
            return abl_fail(err, ABL_FAILED, "cannot wait for DuckDB: %s", strerror(errno));
    return true;
}

// What it said, at its end, is the reason.
static bool tell(FILE *said, const char *program, struct abl_err *err)
{
    char text[512];
    long size = fseek(said, 0, SEEK_END) == 0 ? ftell(said) : 0;
    fseek(said, size >= (long)sizeof text ? size - (long)sizeof text + 1 : 0, SEEK_SET);
    text[fread(text, 1, sizeof text - 1, said)] = '\0';
    return abl_fail(err, ABL_FAILED, "DuckDB (%s) made no Parquet: %s", program,
                    *text ? text : "it ended early");
}

static bool run(const struct way *w, FILE *sql, FILE *said, bool *found, struct abl_err *err)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return abl_no_memory(err);
    rewind(sql);
    bool ok = posix_spawn_file_actions_adddup2(&actions, fileno(sql), CHILD_IN) == 0
              && posix_spawn_file_actions_adddup2(&actions, fileno(said), CHILD_OUT) == 0
              && posix_spawn_file_actions_adddup2(&actions, fileno(said), CHILD_ERR) == 0;
    if (ok)
        *found = posix_spawnp(&pid, w->arguments[0], &actions, NULL, (char *const *)w->arguments,
                              environ)
                 == 0;
    posix_spawn_file_actions_destroy(&actions);
    if (!ok)
        return abl_no_memory(err);
    if (!*found)
        return true;
    if (!wait_for(pid, &status, err))
        return false;
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_MODULE && strcmp(w->arguments[0], "duckdb"))
        *found = false;
    return !*found || (WIFEXITED(status) && WEXITSTATUS(status) == 0)
           || tell(said, w->arguments[0], err);
}

bool duckdb_run(const struct buf *sql, bool *found, struct abl_err *err)
{
    FILE *in = tmpfile(), *said = tmpfile();
    bool ok = in && said && fwrite(sql->data, 1, sql->len, in) == sql->len && fflush(in) == 0;
    if (!ok)
        abl_fail(err, ABL_FAILED, "cannot write a temporary file: %s", strerror(errno));
    *found = false;
    for (size_t i = 0; ok && !*found && i < sizeof ways / sizeof *ways; i++)
        ok = run(&ways[i], in, said, found, err);
    if (in)
        fclose(in);
    if (said)
        fclose(said);
    return ok;
}
