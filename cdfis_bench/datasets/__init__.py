"""Datasets: labelled samples in memory, rows in a fixed order."""
