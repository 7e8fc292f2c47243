"""The store: entries, how a wheel becomes one, and what checks, repairs and deletes them."""
