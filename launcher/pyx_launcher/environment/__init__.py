"""The environment directory: its layout, links, scripts and bootstrap."""
