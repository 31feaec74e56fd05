"""Exact gradient norms of single samples, for a whole batch at once."""
