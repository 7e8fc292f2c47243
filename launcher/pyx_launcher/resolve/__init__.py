"""Locking: which tool resolves, how it is called, and what of its answer is kept."""
