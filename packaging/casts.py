"""Run the commands of each cast in a new home and draw what the terminal showed: docs/casts/*.svg.

    pyx packaging/casts.py [NAME]…

Input: this tree, the index that pip is configured for, a C compiler and a Python in /usr/bin.
Output: one picture for each cast, with the user's directories written as HOME, no font and nothing
else from elsewhere. Versions and times are those of the day.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests")]

from installed import DYNAMIC, FREESTANDING, STATIC, Pyx, build_native  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.terminal_theme import SVG_EXPORT_THEME  # noqa: E402
from rich.text import Text  # noqa: E402
from transcripts import Command, Told, run_commands  # noqa: E402

CASTS = ROOT / "docs" / "casts"
HOME = "/home/you"
WIDTH = 92
PATH = "/usr/local/bin:/usr/bin:/bin"
STEERING = re.compile(r"\x1b\[(\d*)([AK])|\x1b\[\?25[lh]|\r|\n")
# As rich draws it, but in a font that the reader has.
FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """One picture: what it shows, what is done before, and the commands."""

    title: str
    before: str
    commands: tuple[str, ...]


REPORT = f"cp -r {ROOT / 'examples' / 'report'} ~/report && cd ~/report && rm -rf __pycache__"
ALL: dict[str, Cast] = {
    "first-start": Cast(
        title="the first start fetches what the lock names",
        before=f"{REPORT} && rm report.html",
        commands=("ls", "pyx report.py"),
    ),
    "second-start": Cast(
        title="every later start confirms that nothing has changed",
        # What is younger than a few seconds is not relied on.
        before=f"{REPORT}; TIMEFORMAT='%R seconds'; sleep 3",
        commands=(
            "time pyx -c 'print(\"hello\")'",
            "time pyx -c 'print(\"hello\")'",
            "PYX_DEBUG=1 pyx -c 'print(\"why so quick?\")'",
        ),
    ),
    "add": Cast(
        title="a project, from nothing",
        before="true",
        commands=(
            "mkdir demo && cd demo",
            "pyx add --init httpx",
            "pyx list",
            "pyx tree",
            "pyx -c 'import httpx; print(httpx.__version__)'",
        ),
    ),
}


def main() -> int:
    """Make the casts that are named, or all; returns 1 where a command fails."""
    failed = False
    CASTS.mkdir(exist_ok=True)
    unknown = set(sys.argv[1:]) - set(ALL)
    if unknown:
        raise SystemExit(f"casts.py: no cast {', '.join(sorted(unknown))}; {', '.join(ALL)}")
    for name in sys.argv[1:] or ALL:
        with tempfile.TemporaryDirectory() as directory:
            answers = record(ALL[name], Path(directory))
        for command, told in answers:
            if told.status != 0:
                sys.stderr.write(f"{name}: {command} exits {told.status}\n{told.text}")
                failed = True
        text = draw(ALL[name].title, answers)
        (CASTS / f"{name}.svg").write_text(text, encoding="utf-8")
    return int(failed)


def record(cast: Cast, directory: Path) -> list[tuple[str, Told]]:
    """Run a cast below `directory` and return each command with what the terminal was sent."""
    native = build_native(directory, FREESTANDING, STATIC, DYNAMIC)
    if native is None:
        raise SystemExit("casts.py: there is no C compiler")
    home = directory / "home"
    home.mkdir()
    foreign = ("PYX_", "XDG_", "PYTHON", "UV_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    pyx = Pyx(directory / "installed", native, kept)
    environ = {
        **kept,
        "HOME": str(home),
        "PATH": f"{pyx.path.parent}:{PATH}",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLUMNS": str(WIDTH),
    }
    words = (cast.before, *cast.commands)
    commands = [Command(line=number, text=text) for number, text in enumerate(words)]
    _, *answers = run_commands(commands, home, environ)
    told = [Told(text=each.text.replace(str(home), HOME), status=each.status) for each in answers]
    return list(zip(cast.commands, told, strict=True))


def settle(text: str) -> list[str]:
    """Return the lines that stay on a terminal: progress bars draw over themselves."""
    lines, at, start = [""], 0, 0
    for found in [*STEERING.finditer(text), None]:
        end = found.start() if found else len(text)
        written = text[start:end]
        if written:
            lines[at] += written
        start = found.end() if found else end
        if found is None:
            break
        if found[0] == "\n":
            at += 1
            lines += [""] * (at + 1 - len(lines))
        elif found[0] == "\r" or found[2] == "K":
            lines[at] = ""
        elif found[2] == "A":
            at = max(0, at - int(found[1] or 1))
    return [line.rstrip() for line in lines]


def draw(title: str, answers: list[tuple[str, Told]]) -> str:
    """Return the picture, as SVG."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    for command, told in answers:
        console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
        for line in "\n".join(settle(told.text)).strip("\n").splitlines():
            console.print(Text.from_ansi(line))
    return console.export_svg(title=title, theme=SVG_EXPORT_THEME, code_format=FORMAT)


if __name__ == "__main__":
    sys.exit(main())
