"""Set operations over the lake: DuckDB and Polars on one machine, Spark on many. Nothing else knows the backend."""
