"""Locks: one reader for each format, and one way to read any of them."""
