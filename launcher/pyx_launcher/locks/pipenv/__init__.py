"""The reader of Pipfile.lock."""
