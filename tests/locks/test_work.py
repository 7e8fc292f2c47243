"""How much work a large lock makes, in calls and not in time: what must not grow with its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import packaging.pylock
import pytest
import tomli
from benchmarks.locks import BINARY_TAGS, FORMATS, MARKERS, make_lock
from packaging.markers import Marker
from targets import make_interpreter

from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.selection import select

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COUNT = 60

# The formats of which each file is one TOML document, with how many there are.
DOCUMENTS = {"pylock": 1, "pipenv": 0, "requirements": 0}


class Counter:
    """Count the calls of a function and pass them on."""

    def __init__(self, function: Callable[..., Any]) -> None:
        """Take the function."""
        self.function = function
        self.calls = 0

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Count one call."""
        self.calls += 1
        return self.function(*arguments, **options)


@pytest.mark.parametrize("label", FORMATS)
def test_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, label: str) -> None:
    """Each file is parsed once, each distinct marker evaluated once, few names of wheels parsed."""
    path = make_lock(tmp_path, label, COUNT)
    parses = Counter(tomli.loads)
    names = Counter(packaging.pylock.parse_wheel_filename)
    evaluate = Marker.evaluate
    evaluated: list[str] = []

    def record(marker: Marker, *arguments: Any, **options: Any) -> bool:
        evaluated.append(str(marker))
        return evaluate(marker, *arguments, **options)

    monkeypatch.setattr(tomli, "loads", parses)
    monkeypatch.setattr(packaging.pylock, "parse_wheel_filename", names)
    monkeypatch.setattr(Marker, "evaluate", record)
    interpreter = make_interpreter("x86_64-manylinux_2_28")
    chosen = select(read_lock(path, path.parent), interpreter, Choice())
    assert len(chosen.artifacts) == COUNT
    if label == "uv":
        # The packages of a large uv.lock are parsed one by one, and each of them once.
        assert parses.calls <= COUNT + 4
    else:
        assert parses.calls == DOCUMENTS.get(label, 2)
    if label == "pylock":
        # Here `packaging` evaluates the marker of each package, and checks each name when it reads.
        assert len(evaluated) <= COUNT
        compiled = COUNT // 3
        assert names.calls <= compiled * len(BINARY_TAGS) + 4 * COUNT
    else:
        assert len(evaluated) == len(set(evaluated)) <= len(MARKERS)
        assert names.calls == 0
