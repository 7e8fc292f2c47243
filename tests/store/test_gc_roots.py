"""Which links of projects count as long as they are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyx_launcher.environment.editors as editors_module
from pyx_launcher.dirs import Dirs
from pyx_launcher.environment.editors import link_environment
from pyx_launcher.store.gc_roots import find_linked, forget_gone

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_collection_in_between_forgets_no_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that looks after the link was announced and before it is there."""
    dirs = Dirs(home=tmp_path / "home", cache=tmp_path / "cache")
    environment = dirs.environments / "digest"
    (environment / "bin").mkdir(parents=True)
    replace_link = editors_module.replace_link

    def collect_and_link(link: Path, target: Path) -> None:
        forget_gone(dirs)
        replace_link(link, target)

    monkeypatch.setattr(editors_module, "replace_link", collect_and_link)
    link_environment(tmp_path, dirs, environment)
    assert find_linked(dirs) == {"digest"}
    (tmp_path / ".venv").unlink()
    forget_gone(dirs)
    assert find_linked(dirs) == set()
