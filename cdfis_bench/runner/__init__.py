"""From a composed configuration to finished runs, their summary table and their figure."""
