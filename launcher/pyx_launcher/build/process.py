"""Run the processes of one build: a clean environment for them, and one log for what they say."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING

from pyx_launcher.build.explain import find_cause, find_way_out
from pyx_launcher.errors import BuildError
from pyx_launcher.files.atomic import storing
from pyx_launcher.index.credentials import hide_secrets
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pyx_launcher.interpreters.finder import Interpreter

FOREIGN_PREFIXES = ("PYTHON", "PYX_", "VIRTUAL_ENV", "__PYVENV", "GIT_DIR", "GIT_WORK", "GIT_INDEX")
"""Variables that would tie a build to the place it was started from."""

PLACES_OF_PIP = ("PIP_PREFIX", "PIP_PYTHON", "PIP_ROOT", "PIP_TARGET")
"""Variables that would have pip install elsewhere than in the build environment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildProcess:
    """What the steps of one build share."""

    label: str
    """The distribution, for a person."""
    interpreter: Interpreter
    """The one that the wheel is for; it runs the build."""
    environ: Mapping[str, str]
    """The variables pyx was started with."""
    offline: bool
    log: Path
    hint: str | None = None
    """What can be done about a failure that nothing better is known of."""

    def open(self) -> None:
        """Begin an empty log. Raises StoreError."""
        with storing(self.log):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            # What is said there may be secret in ways that nobody foresaw.
            self.log.unlink(missing_ok=True)
            os.close(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    def note(self, text: str) -> None:
        """Add a line of our own to the log."""
        with storing(self.log), open(self.log, "a", encoding="utf-8") as log:
            log.write(f"{text}\n")

    def run(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        variables: Mapping[str, str] | None = None,
        secret: Sequence[str] = (),
    ) -> None:
        """Run a command whose output goes to the log.

        `variables` come on top of the clean environment; of the URLs `secret` nothing that is a
        secret is seen in the log. Raises CalledProcessError, FileNotFoundError.
        """
        from pyx_launcher.children import run_child

        self.note(f"$ {hide_secrets(' '.join(command), secret)}")
        with open(self.log, "ab") as log:
            ran = run_child(
                command,
                python=self.interpreter.path,
                cwd=directory,
                env={**clean_environ(self.environ), **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if secret else log,
                stderr=subprocess.STDOUT,
            )
        if secret:
            said = ran.stdout.decode("utf-8", "replace").rstrip("\n")
            self.note(hide_secrets(said, secret))
        if ran.returncode:
            raise subprocess.CalledProcessError(ran.returncode, command[0])

    def failure(self, reason: str, *, hint: str | None = None) -> BuildError:
        """Return the error to raise: one line with what the log says, and where the rest is."""
        text = ""
        with contextlib.suppress(OSError):
            text = self.log.read_text(encoding="utf-8", errors="replace")
        cause = find_cause(text)
        why = (f"{reason}: {cause}" if cause else reason).rstrip(".")
        python = f"for Python {self.interpreter.short}"
        whole = f"read the whole of it: less {self.log}"
        return BuildError(
            f"cannot build {self.label} {python}: {why}; the log is {self.log}",
            hint=hint or find_way_out(text) or self.hint or whole,
        )


def clean_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without what would tie a build to the place it was started from.

    What configures pip stays, except for where it would install.
    """
    kept = {
        key: value
        for key, value in environ.items()
        if not key.startswith(FOREIGN_PREFIXES) and key not in PLACES_OF_PIP
    }
    kept.setdefault("PATH", os.defpath)
    return kept | {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
