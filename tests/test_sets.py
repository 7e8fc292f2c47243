"""Which release of somebody else broke pyx: `.ci/sets.py` takes the locked versions back."""

from __future__ import annotations

import importlib.util
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest
from installed import PLAIN_PYTHON, ROOT
from wheelhouse import make_wheel

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

VERSIONS = ("pack", "talk", "tick")
CHECK = "import pack, talk, tick; assert 'broken' not in (pack.state, talk.state, tick.state)"


@pytest.fixture
def sets(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Give the program as a module."""
    monkeypatch.syspath_prepend(ROOT / "packaging")
    spec = importlib.util.spec_from_file_location("sets", ROOT / ".ci" / "sets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("broken", "expected"), [(["talk"], "talk"), (["pack", "tick"], "tick"), ([], None)]
)
def test_the_release_to_blame_is_found(
    tmp_path: Path, wheels: Path, sets: ModuleType, broken: list[str], expected: str | None
) -> None:
    """The one whose locked version alone mends it, else the last of several, in a real place."""
    for name in VERSIONS:
        make_wheel(wheels, name, "1.0", files={f"{name}.py": "state = 'well'\n"})
        state = "broken" if name in broken else "new"
        make_wheel(wheels, name, "2.0", files={f"{name}.py": f"state = '{state}'\n"})
    place = tmp_path / "place"
    asked: list[str] = []

    def install(requirement: str) -> None:
        # A wheel of one module has only to be unpacked.
        wheel = wheels / f"{requirement.replace('==', '-')}-py3-none-any.whl"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(place)
        asked.append(requirement)

    def passes() -> bool:
        unlucky = not broken
        done = subprocess.run(
            [PLAIN_PYTHON, "-B", "-c", CHECK], cwd=place, capture_output=True, check=False
        )
        return done.returncode == 0 and not unlucky

    for name in VERSIONS:
        install(f"{name}==2.0")
    newest, locked = dict.fromkeys(VERSIONS, "2.0"), dict.fromkeys(VERSIONS, "1.0")
    newest["same"] = locked["same"] = "1.0"
    assert sets.find_culprit(newest, locked, install, passes) == expected
    assert "same==1.0" not in asked


def test_what_fails_once_is_blamed_on_no_release(tmp_path: Path, sets: ModuleType) -> None:
    """A test that passes when it is run again says nothing about the releases."""
    told = sets.explain(object(), tmp_path, tmp_path, PLAIN_PYTHON, lambda _place: None)
    assert told == "the same set passes when it is tried again, so no release is to blame"


def test_each_set_is_one_command() -> None:
    """Those that CI runs are all that there are, and CI fails with them."""
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "for kind in locked newest oldest; do" in text
    assert '.ci/sets.py "$kind" >' in text
    assert 'wait "$number" || status=$?' in text
    assert '[ -z "${status:-}" ] || fail' in text
