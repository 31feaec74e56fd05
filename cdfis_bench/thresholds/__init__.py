"""Thresholds: when importance sampling starts."""
