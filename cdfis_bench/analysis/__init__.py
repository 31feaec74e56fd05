"""From run folders to tables and statistics. Reads records only; imports no PyTorch."""
