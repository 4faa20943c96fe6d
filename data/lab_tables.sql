-- Tables of tinyLab's harness between CSV and Parquet, for DuckDB: abltui lab-tables and rebuild run a statement for each table, with
-- the path to write in the place of {table}, and that to read in that of {pattern}, as DuckDB reads paths, where * ? [ have a meaning. A statement stands below its name and
-- ends with an empty line. Whole numbers stay whole, text stays text, missing values stay missing.

-- heads
COPY (SELECT * REPLACE (seed::BIGINT AS seed, layer::BIGINT AS layer, head::BIGINT AS head, scale::DOUBLE AS scale, value::DOUBLE AS value)
      FROM read_csv('{pattern}.csv', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false))
TO '{table}.parquet' (FORMAT parquet);

-- pairs
COPY (SELECT * REPLACE (seed::BIGINT AS seed, layer::BIGINT AS layer, h1::BIGINT AS h1, h2::BIGINT AS h2, scale::DOUBLE AS scale, value::DOUBLE AS value)
      FROM read_csv('{pattern}.csv', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false))
TO '{table}.parquet' (FORMAT parquet);

-- sets
COPY (SELECT * REPLACE (seed::BIGINT AS seed, layer::BIGINT AS layer, value::DOUBLE AS value)
      FROM read_csv('{pattern}.csv', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false))
TO '{table}.parquet' (FORMAT parquet);

-- layers
COPY (SELECT * REPLACE (seed::BIGINT AS seed, layer::BIGINT AS layer, value::DOUBLE AS value)
      FROM read_csv('{pattern}.csv', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false))
TO '{table}.parquet' (FORMAT parquet);

-- heads_examples
COPY (SELECT * REPLACE (i::BIGINT AS i, pred_id::BIGINT AS pred_id, target_id::BIGINT AS target_id, foil_id::BIGINT AS foil_id,
                        seed::BIGINT AS seed, layer::BIGINT AS layer, head::BIGINT AS head, scale::DOUBLE AS scale)
      FROM read_csv('{pattern}.csv', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false))
TO '{table}.parquet' (FORMAT parquet);

-- pairs_examples
COPY (SELECT * REPLACE (i::BIGINT AS i, pred_id::BIGINT AS pred_id, target_id::BIGINT AS target_id, foil_id::BIGINT AS foil_id,
                        seed::BIGINT AS seed, layer::BIGINT AS layer, h1::BIGINT AS h1, h2::BIGINT AS h2)
      FROM read_csv('{pattern}.csv', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false))
TO '{table}.parquet' (FORMAT parquet);

-- sets_examples
COPY (SELECT * REPLACE (i::BIGINT AS i, pred_id::BIGINT AS pred_id, target_id::BIGINT AS target_id, foil_id::BIGINT AS foil_id,
                        seed::BIGINT AS seed, layer::BIGINT AS layer, string_split(heads, '-')::BIGINT[] AS heads)
      FROM read_csv('{pattern}.csv', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false))
TO '{table}.parquet' (FORMAT parquet);

-- layers_examples
COPY (SELECT * REPLACE (i::BIGINT AS i, pred_id::BIGINT AS pred_id, target_id::BIGINT AS target_id, foil_id::BIGINT AS foil_id,
                        seed::BIGINT AS seed, layer::BIGINT AS layer)
      FROM read_csv('{pattern}.csv', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false))
TO '{table}.parquet' (FORMAT parquet);

-- from_parquet
COPY (SELECT * REPLACE (CASE WHEN isfinite(value) THEN value END AS value) FROM read_parquet('{pattern}.parquet'))
TO '{table}.csv' (FORMAT csv, HEADER, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR '');
