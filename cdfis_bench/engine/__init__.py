"""Training with online batch selection, independent of Hydra, W&B and files."""
