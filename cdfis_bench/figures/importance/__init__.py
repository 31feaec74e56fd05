"""Figures of sample importance: figure 4 of the paper."""
