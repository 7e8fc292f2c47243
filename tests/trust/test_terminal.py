"""What a wheel says of itself, printed by every command that shows it: no terminal obeys it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from trust.archives import INFO, METADATA, wheel_of

if TYPE_CHECKING:
    from trust.scene import Scene

HOSTILE = "\x1b[2J\x1b]0;evil\x07\u202eyp.live\x9b2J"
COMMANDS = (
    ("info",),
    ("info", "--json"),
    ("info", "--sbom"),
    ("env", "show"),
    ("env", "show", "--json"),
    ("list",),
    ("list", "--json"),
    ("tree",),
    ("tree", "--invert", "tick"),
    ("which", "tick"),
    ("run", "evi"),
    ("run", HOSTILE),
    ("add", HOSTILE),
    ("which", HOSTILE),
    (HOSTILE,),
    ("store", "list"),
    ("store", "verify"),
    ("store", "gc", "--dry-run"),
    ("export", "--format", "requirements"),
    ("diff", "pylock.toml", "pylock.toml"),
    ("sync",),
)


@pytest.fixture
def hostile(scene: Scene) -> Scene:
    """Give a project whose wheel has such letters wherever a wheel can have them."""
    points = f"[console_scripts]\n{HOSTILE} = tick:main\nevil = tick:main\n"
    more = f"Summary: {HOSTILE}\nLicense: {HOSTILE}\nRequires-Dist: x; {HOSTILE}\n"
    scene.lock(
        wheel_of(
            scene.wheels,
            ("tick/__init__.py", b""),
            (f"{INFO}/entry_points.txt", points.encode()),
            metadata=METADATA + more.encode(),
        )
    )
    assert scene.sync().returncode == 0
    return scene


def test_no_command_prints_what_a_terminal_would_obey(hostile: Scene) -> None:
    """Neither on stdout nor on stderr is there a control, nor a mark that turns text around."""
    for words in COMMANDS:
        told = hostile.pyx(*words, cwd=hostile.project, env={"PYX_UV": "/bin/false"})
        assert "Traceback" not in told.stderr, words
        for line in (told.stdout + told.stderr).split("\n"):
            assert line.isprintable(), (words, line)
