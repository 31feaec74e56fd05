"""Data augmentation of images."""
