"""Sample importance (paper section 4.3): rates, ranks, and what chance would give."""
