"""Weightings: loss weights of the selected samples."""
