"""Thresholds: from when on importance sampling is used."""
