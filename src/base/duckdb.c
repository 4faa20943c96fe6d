#include "base/duckdb.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

void duckdb_put_path(struct buf *out, const char *path, bool pattern)
{
    for (const char *c = path; *c; c++)
        if (pattern && strchr("*?[", *c))
            buf_printf(out, "[%c]", *c);
        else
            buf_str(out, *c == '\'' ? "''" : (char[]){ *c, '\0' });
}

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
    char *error = strstr(text, "Error: "), *reason = text;
    if (error) { // behind Python's account of where it was
        for (reason = error; reason > text && reason[-1] != '\n';)
            reason--;
        error[strcspn(error, "\n")] = '\0';
    }
    return abl_fail(err, ABL_FAILED, "DuckDB (%s) fails: %s", program,
                    *reason ? reason : "it ended early");
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
