"""Files and directories: written whole or not at all, hashed, measured, owned by somebody."""
