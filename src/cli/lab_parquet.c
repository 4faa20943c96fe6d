#include "cli/lab_parquet.h"

#include "base/buf.h"
#include "base/duckdb.h"
#include "base/file.h"
#include "base/say.h"
#include "report/lab_sql.h"

static bool make_sql(const struct cli *cli, const struct lab_tables *t, struct buf *out,
                     struct abl_err *err)
{
    struct file_bytes file;
    if (!lab_sql_read(cli->run.data_dir, &file, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < t->n_tables; i++)
        ok = lab_sql_statement(file.data, t->tables[i].statement, t->tables[i].path,
                               t->tables[i].path, out, err);
    file_bytes_release(&file);
    return ok;
}

static void print_sql(const struct cli *cli, const struct buf *sql)
{
    if (!(cli->flags & CLI_QUIET))
        say(SAY_ERR,
            "note: there is no DuckDB here, neither its CLI nor Python's module: the tables "
            "are CSV. The SQL on standard output makes Parquet of them: put it into a file "
            "and run 'duckdb < FILE' from this folder, or install DuckDB ('pip install "
            "duckdb') and say this again\n");
    say_lines(SAY_OUT, sql->data);
}

bool lab_parquet(const struct cli *cli, const struct lab_tables *t, struct abl_err *err)
{
    struct buf sql = { 0 };
    bool found = true;
    bool ok = make_sql(cli, t, &sql, err) && (!sql.len || duckdb_run(&sql, &found, err));
    if (ok && sql.len && !found)
        print_sql(cli, &sql);
    buf_release(&sql);
    return ok;
}
