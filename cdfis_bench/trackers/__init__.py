"""Mirrors of a run's records elsewhere. Only wandb.py imports wandb."""
