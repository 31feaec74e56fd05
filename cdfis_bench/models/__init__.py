"""Networks: from samples to logits."""
