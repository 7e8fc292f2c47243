"""The reader of uv.lock."""
