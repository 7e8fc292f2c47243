"""Package indexes: their settings, their pages, and the download of one verified file."""
