"""Launch records: what the native program confirms, and how that is written."""
