"""From a composed configuration to finished runs, their table and their figure."""
