"""What a uv project says about builds acts as it does with uv, which builds the same sdist."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from wheelhouse import make_source_tree, make_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from installed import Pyx

UV = os.environ.get("PYX_ORACLE_UV") or shutil.which("uv")

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(UV is None, reason="no uv on the path or in PYX_ORACLE_UV"),
]

PROJECT = """\
[project]
name = "example"
version = "1"
requires-python = ">=3.10"
dependencies = ["demo"]
[tool.uv]
no-index = true
find-links = ["{links}"]
"""

TELL = "import demo.told; print(demo.told.TOLD)"

RULES = {
    "constraints": 'build-constraint-dependencies = ["tool-a<2"]\n',
    "requirements": '[tool.uv.extra-build-dependencies]\nDemo = ["tool_b<2"]\n',
    "requirements of another": '[tool.uv.extra-build-dependencies]\nother = ["tool-b"]\n',
    "settings": 'config-settings = { one = "a", two = ["b", "c"] }\n',
    "settings of the package too": (
        'config-settings = { one = "a", two = "b" }\n'
        '[tool.uv.config-settings-package]\ndemo = { two = ["c"], three = "d" }\n'
    ),
    "both in a file of its own": (
        'config-settings = { one = "a" }\nbuild-constraint-dependencies = ["tool-a<2"]\n'
    ),
}


def make_links(links: Path, trees: Path) -> None:
    """Make two versions of two tools, and an sdist whose build tells what it was given."""
    for version in ("1.0", "2.0"):
        for name in ("tool_a", "tool_b"):
            make_wheel(links, name, version, files={f"{name}.py": f"VERSION = {version!r}\n"})
    tree = make_source_tree(trees / "demo-1.0", "demo", "1.0")
    (tree / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["tool-a"]\nbuild-backend = "treebackend"\n'
        'backend-path = ["."]\n[project]\nname = "demo"\nversion = "1.0"\n'
    )
    backend = tree / "treebackend.py"
    backend.write_text(
        backend.read_text().replace(
            "    source = Path",
            "    import importlib.metadata as metadata\n"
            "    names = [(d.name, d.version) for d in metadata.distributions()]\n"
            "    told = [n for n in sorted(names) if 'tool' in n[0]]\n"
            "    Path('src/demo/told.py').write_text(\n"
            "        f'TOLD = {told!r}, {sorted((config_settings or {}).items())}')\n"
            "    source = Path",
            1,
        )
    )
    with tarfile.open(links / "demo-1.0.tar.gz", "w:gz") as archive:
        archive.add(tree, "demo-1.0")


@pytest.mark.parametrize("name", RULES)
def test_builds_are_what_uv_makes_them(
    name: str, pyx: Pyx, interpreters: dict[str, Path], tmp_path: Path
) -> None:
    """Constraints, further requirements and settings for the backend are those that uv applies."""
    links, project = tmp_path / "links", tmp_path / "project"
    links.mkdir()
    project.mkdir()
    make_links(links, tmp_path)
    text = PROJECT.format(links=links)
    if name == "both in a file of its own":
        # uv reads that file alone.
        (project / "pyproject.toml").write_text(text + 'config-settings = { not = "this" }\n')
        head = text.partition("[tool.uv]\n")[2]
        (project / "uv.toml").write_text(head + RULES[name])
    else:
        (project / "pyproject.toml").write_text(text + RULES[name])
    python = str(list(interpreters.values())[-1])
    environ = {"PATH": os.defpath, "HOME": str(tmp_path), "UV_PYTHON_DOWNLOADS": "never"}
    environ["UV_CACHE_DIR"] = str(tmp_path / "cache")
    command = [UV or "", "sync", "--quiet", "--python", python]
    subprocess.run(command, cwd=project, env=environ, check=True)
    wanted = subprocess.run(
        [project / ".venv/bin/python", "-c", TELL], capture_output=True, text=True, check=True
    )
    ran = pyx("--python", python, "-c", TELL, cwd=project, env={"PIP_FIND_LINKS": str(links)})
    assert (ran.stdout, ran.stderr) == (wanted.stdout, "")
