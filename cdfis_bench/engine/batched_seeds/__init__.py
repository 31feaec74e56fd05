"""Several seeds of one arm trained at once, as one network."""
