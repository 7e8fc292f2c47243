"""What the readers of locks share: tables, fields, sources, markers and hashes."""
