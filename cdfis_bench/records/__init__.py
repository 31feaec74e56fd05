"""Files of a run: their columns, the identity of the run, writing and reading its folder."""
