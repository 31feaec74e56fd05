"""Selectors: from K scores to a selection of N."""
