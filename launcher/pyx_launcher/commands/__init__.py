"""The management commands, one file each."""
