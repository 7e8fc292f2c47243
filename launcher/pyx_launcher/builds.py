"""Turn sdists and source trees into wheels."""
