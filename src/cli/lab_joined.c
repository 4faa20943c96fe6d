#include "cli/lab_joined.h"

#include "base/file.h"
#include "base/say.h"
#include "cli/lab_parquet.h"
#include "report/lab_sql.h"
#include "report/lab_own.h"
#include "report/lab_rebuild.h"

bool lab_joined_is(const struct cli *cli, bool *out, struct abl_err *err)
{
    *out = lab_own_is(cli->args[0]);
    for (size_t i = 1; i < cli->n_args; i++)
        if (lab_own_is(cli->args[i]) != *out)
            return abl_fail(
                err, ABL_USAGE,
                "'%s' is a run of tinyLab's, '%s' is none: make its tables of ours with "
                "'abltui lab-tables RUN… --out DIR', and name these",
                cli->args[*out ? 0 : i], cli->args[*out ? i : 0]);
    return true;
}

static void tell(const struct cli *cli, const struct lab_tables *t, size_t n_unread)
{
    if (n_unread)
        say(SAY_ERR,
            "note: the tables of %zu of %zu runs are Parquet, and there is no DuckDB here, neither "
            "its CLI nor Python's module: these are joined by their summaries alone; 'pip install "
            "duckdb' helps\n",
            n_unread, t->n_children);
    say(SAY_ERR, "%zu runs joined in %s\n", t->n_children, cli->export_dir);
}

bool lab_joined(const struct cli *cli, struct abl_err *err)
{
    struct arena a = { 0 };
    struct file_bytes sql;
    struct lab_tables written;
    size_t n_unread;
    if (!lab_sql_read(cli->run.data_dir, &sql, err))
        return false;
    bool ok = lab_rebuild(cli->args, cli->n_args, cli->export_dir, sql.data, &a, &written,
                          &n_unread, err);
    if (ok && !(cli->flags & CLI_QUIET))
        tell(cli, &written, n_unread);
    ok = ok && lab_parquet(cli, &written, err);
    file_bytes_release(&sql);
    arena_release(&a);
    return ok;
}
