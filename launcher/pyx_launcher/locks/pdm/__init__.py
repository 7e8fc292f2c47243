"""The reader of pdm.lock."""
