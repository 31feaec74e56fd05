"""Experiment trackers, which mirror the records of runs. Only wandb.py imports wandb."""
