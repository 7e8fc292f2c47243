"""What tools keep in a lock to tell whether its project has changed: a hash of what they read."""

from __future__ import annotations

import json


def digest_content(
    content: object, algorithm: str = "sha256", separators: tuple[str, str] | None = None
) -> str:
    """Return the hexadecimal digest of `content` as JSON with sorted keys."""
    import hashlib

    text = json.dumps(content, sort_keys=True, separators=separators)
    return hashlib.new(algorithm, text.encode()).hexdigest()
