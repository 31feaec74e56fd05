"""Configuration: its schema, and building the objects of a run from it."""
