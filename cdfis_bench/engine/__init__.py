"""Training with online batch selection. Reads like section 4 of the paper; knows nothing of Hydra,
W&B or files.
"""
