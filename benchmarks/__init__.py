"""Benchmarks: `python -m benchmarks` lists them, `python -m benchmarks NAME [--size S]` runs one.

A benchmark is a module here with `DESCRIPTION` and `run(size)`; what `run` returns is printed as one line of JSON
and kept in results/, from which `python -m benchmarks results` writes RESULTS.md.
"""
