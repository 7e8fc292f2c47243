"""What a start obeys: its context and lock, and all that is decided before a download."""
