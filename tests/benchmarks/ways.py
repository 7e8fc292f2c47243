"""Count instructions of both ways of a start: ``pyx tests/benchmarks/ways.py [--python PATH]…``.

For each interpreter an empty script, warm: by bare python, by the python of a virtual environment,
of one with a line in a ``.pth`` file, without which nothing begins by documented means, and by
python as pyx starts it the fast and the public way, with the words that pyx gives it. What `pyx.c`
does before is not among them. Needs valgrind. Valgrind loses the first word of a process
that another one starts, by which python knows its environment; so it starts python itself, through
a link in the environment.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from installed import KINDS, PLAIN_PYTHON, Pyx, build_native, forget_outer_start

from benchmarks.measure import Command, count_instructions, format_table

SCRIPT = """\
import posix
if posix.environ.get(b"TELL"): print(open("/proc/self/cmdline").read(), end="")
"""
VENV, BARE, FAST, PUBLIC = "a venv", "`python -I -S`", "fast way", "public way"
LINE = "a venv with `import sys` in a `.pth`"
RATIOS = ((FAST, BARE), (PUBLIC, VENV), (LINE, VENV), (PUBLIC, LINE))
HEAD = ("", BARE, VENV, LINE, FAST, PUBLIC)
LAST = ("fast / bare", "public / venv", "line / venv", "public / line")


def count(python: str, root: Path) -> dict[str, float]:
    """Return how many million instructions each way takes. Raises RuntimeError without valgrind."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYX_"))}
    own = {"PYX_HOME": str(root / "home"), "PYX_CACHE_DIR": str(root / "cache")}
    native = build_native(root, *KINDS)
    if native is None:
        raise RuntimeError("there is no C compiler")
    pyx = Pyx(root / "bin", native, {**kept, **own, "PYX_PYTHON": python})
    script = root / "empty.py"
    script.write_text(SCRIPT, encoding="utf-8")
    for name in ("venv", "line"):
        subprocess.run([python, "-I", "-m", "venv", "--without-pip", root / name], check=True)
    site_packages = next(root.glob("line/lib/python*/site-packages"))
    (site_packages / "one.pth").write_text("import sys\n", encoding="ascii")
    time.sleep(2.5)
    lines = {
        BARE: [python, "-I", "-S", str(script)],
        VENV: [str(root / "venv" / "bin" / "python"), str(script)],
        LINE: [str(root / "line" / "bin" / "python"), str(script)],
    }
    for way, variables in ((FAST, {"PYX_START": "fast"}), (PUBLIC, {"PYX_START": "public"})):
        for _ in range(3):
            told = pyx(script, env={**variables, "TELL": "1"})
        name, *words = told.stdout.split("\0")[:-1]
        link = Path(name).with_name("counted")
        if not link.is_symlink():
            link.symlink_to(python)
        lines[way] = [str(link), *words]
    return {label: _count(line, root, kept) for label, line in lines.items()}


def _count(words: list[str], directory: Path, environ: dict[str, str]) -> float:
    command = Command(label="", words=tuple(words), directory=str(directory), environ=environ)
    counted = count_instructions(command, "valgrind")
    if counted is None:
        raise RuntimeError("valgrind cannot count " + " ".join(words))
    return counted


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", action="append", help="the path of an interpreter")
    forget_outer_start()
    rows = []
    for python in parser.parse_args().python or [PLAIN_PYTHON]:
        with tempfile.TemporaryDirectory() as directory:
            counts = count(python, Path(directory).resolve())
        tell = [python, "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        version = subprocess.check_output(tell, text=True).strip()
        figures = [f"{counts[label]:.1f}" for label in HEAD[1:]]
        rows.append([version, *figures, *(f"{counts[a] / counts[b]:.3f}" for a, b in RATIOS)])
    sys.stdout.write(format_table([*HEAD, *LAST], rows))


if __name__ == "__main__":
    main()
