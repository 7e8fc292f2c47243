"""The reader of requirements files in which every line is pinned and hashed."""
