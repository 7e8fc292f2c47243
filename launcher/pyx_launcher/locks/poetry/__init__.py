"""The reader of poetry.lock."""
