"""A table goes from Polars through Arrow to DuckDB and back; Arrow finds its own headers."""

from pathlib import Path

import duckdb
import polars
import pyarrow

counts = polars.DataFrame({"kind": ["a", "b", "a"], "count": [1, 2, 4]}).to_arrow()
print(
    duckdb.sql("select kind, sum(count)::int as total from counts group by kind order by kind").pl()
)
print((Path(pyarrow.get_include()) / "arrow" / "api.h").is_file())
print([Path(directory).is_dir() for directory in pyarrow.get_library_dirs()])
