"""Figures of stored runs, one file per kind. Imports neither PyTorch nor the configuration."""
