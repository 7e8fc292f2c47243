"""Variables of the process in the URLs of a pdm.lock and its project, which PDM expands."""

from __future__ import annotations

import os
import re

VARIABLE = re.compile(r"\$\{([^${}]+)\}")


def expand_variables(text: str) -> str:
    """Return `text` with the environment variables in it expanded, unknown ones to nothing."""
    return VARIABLE.sub(lambda match: os.environ.get(match[1], ""), text)
