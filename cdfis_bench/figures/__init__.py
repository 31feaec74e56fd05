"""Pictures, one file per kind. Each comes with the numbers it drew and the runs they are from."""
