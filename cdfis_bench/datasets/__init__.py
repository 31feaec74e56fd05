"""Datasets: labelled samples in memory or in a mapped file, their rows in a fixed order."""
