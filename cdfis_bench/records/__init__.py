"""What a run leaves on disk: its columns, its identity, its folder."""
