"""What is measured while a run trains: cost, counts, diagnostics."""
