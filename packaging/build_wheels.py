"""Build what is published of this checkout: the sdist, a wheel for each platform, SHA256SUMS.

    python3 packaging/build_wheels.py OUT

OUT is a directory that is made, or is empty. Needs Python 3.10 or newer with `venv`, and an index
for what takes part: `build-requirements.txt` and `compiler-requirements.txt` pin it by hash. The
wheels are built from the sdist, so that it is complete and nothing else of the checkout gets in.
They are the same bytes each time, from any directory; another build of Python may deflate them
otherwise.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from install_locked import BUILD, COMPILER, InstallError, install

ROOT = Path(__file__).resolve().parent.parent
SUMS = "SHA256SUMS"


def main() -> None:
    """Build everything into the directory that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", metavar="OUT", type=Path)
    out: Path = parser.parse_args().out
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        parser.error(f"{out} is there already, and not an empty directory")
    with tempfile.TemporaryDirectory(prefix="pyx-wheels-") as directory:
        built = build_all(ROOT, Path(directory))
        out.mkdir(parents=True, exist_ok=True)
        for path in built:
            (out / path.name).write_bytes(path.read_bytes())
    (out / SUMS).write_text(sum_files([out / path.name for path in built]), encoding="ascii")
    for path in (*built, Path(SUMS)):
        sys.stderr.write(f"{(out / path.name).stat().st_size:>9} {out / path.name}\n")


def build_all(root: Path, directory: Path) -> list[Path]:
    """Build the sdist of `root` and all wheels below `directory`, and return their paths."""
    python = make_builder(directory / "builder")
    built = directory / "built"
    cache = {"ZIG_GLOBAL_CACHE_DIR": str(directory / "zig")}
    sdist = build(python, root, built / "sdist", "sdist", cache)
    with tarfile.open(sdist) as archive:
        if sys.version_info >= (3, 12):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(directory / "source")  # noqa: S202  # it was made here just now
    (source,) = (directory / "source").iterdir()
    wheels = [
        build(python, source, built / name, "wheel", {**cache, "PYX_BUILD_TARGET": name})
        for name in read_targets(source / "packaging" / "hatch_build.py")
    ]
    return [sdist, *wheels]


def make_builder(directory: Path) -> Path:
    """Make an environment that holds exactly the locked tools, and return its interpreter."""
    # Where pyx runs this, or a virtual environment, the interpreter itself is the one to take.
    base = getattr(sys, "_base_executable", None) or sys.executable
    subprocess.run([base, "-I", "-m", "venv", directory], check=True)
    python = directory / "bin" / "python"
    try:
        for requirements in (BUILD, COMPILER):
            install(python, requirements)
    except InstallError as error:
        sys.exit(f"build_wheels.py: {error}")
    return python


def build(
    python: Path, source: Path, directory: Path, kind: str, variables: dict[str, str]
) -> Path:
    """Build one artifact of `source` into the new `directory`, and return its path."""
    done = subprocess.run(
        [python, "-I", "-m", "hatchling", "build", "-t", kind, "-d", directory],
        cwd=source,
        env=clean_environ(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}build_wheels.py: {directory.name} cannot be built")
    (built,) = directory.iterdir()
    return built


def clean_environ(variables: dict[str, str]) -> dict[str, str]:
    """Return this process's variables and `variables`, without those that would change a build."""
    foreign = ("PYTHON", "PYX_", "HATCH_", "ZIG_", "VIRTUAL_ENV", "SOURCE_DATE_EPOCH", "CPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, **variables}


def read_targets(hook: Path) -> list[str]:
    """Return the names of the platforms that the build hook knows; it cannot be imported here."""
    for node in ast.parse(hook.read_bytes()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TARGETS":
            keys = getattr(node.value, "keys", [])
            return [ast.literal_eval(key) for key in keys]
    message = f"{hook} has no TARGETS"
    raise ValueError(message)


def sum_files(paths: list[Path]) -> str:
    """Return the SHA-256 of each file in the form that ``sha256sum --check`` reads."""
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths]
    return "".join(sorted(lines, key=lambda line: line.split()[1]))


if __name__ == "__main__":
    main()
