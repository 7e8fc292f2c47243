"""The user's files: manifests, inline scripts, named environments, and their edits."""
