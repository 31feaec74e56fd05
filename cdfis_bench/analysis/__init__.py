"""From run folders to tables and statistics. Reads records; never torch, never the engine."""
