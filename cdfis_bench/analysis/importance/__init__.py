"""Sample importance (paper section 4.3): rates, ranks, and the null distribution of both."""
