"""Runs the command line: `python -m cdfis_bench`."""

from cdfis_bench.cli import run

run()
