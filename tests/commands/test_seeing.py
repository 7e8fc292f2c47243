"""The commands that show what a lock means: list, tree, which and diff."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from typing import TYPE_CHECKING

import pytest
from indexserver import IndexServer
from wheelhouse import make_sdist, make_source_tree, make_wheel, poetry_lock_text, pylock_text

from pyx_launcher.project.content_hash import read_origin, stamp_pylock

if TYPE_CHECKING:
    from pathlib import Path

    from installed import Pyx


@pytest.fixture
def project(tmp_path: Path, wheels: Path, index: IndexServer) -> Path:
    """Give a project: app requires web[fast], web requires base, and speed for its extra."""
    artifacts = [
        make_wheel(wheels, "app", "1.0", requires=["web[fast]>=2", "absent; python_version<'3'"]),
        make_wheel(
            wheels,
            "Web",
            "2.0",
            requires=["Base <3,>=1", "speed; extra == 'fast'", "never; extra == 'slow'"],
        ),
        make_wheel(wheels, "base", "1.5", files={"base_lib/core.py": "", "base_one.py": ""}),
        make_wheel(wheels, "speed", "0.1"),
        make_wheel(wheels, "never", "0.1"),
    ]
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "pylock.toml").write_text(pylock_text(artifacts, index_url=index.url))
    return directory


def test_distributions_are_listed_by_name(pyx: Pyx, project: Path) -> None:
    """Plain columns in a pipe, without a line that names them; nothing is fetched for it."""
    told = pyx("list", cwd=project)
    assert told.stderr == ""
    assert told.stdout.splitlines() == [
        "app    1.0  wheel",
        "base   1.5  wheel",
        "never  0.1  wheel",
        "speed  0.1  wheel",
        "web    2.0  wheel",
    ]
    assert json.loads(pyx("list", "--json", cwd=project).stdout)[0] == {
        "name": "app",
        "version": "1.0",
        "kind": "wheel",
    }


def test_a_terminal_gets_a_table(pyx: Pyx, project: Path) -> None:
    """The same rows under the names of the columns, with colours."""
    for words, expected in ((["list"], "version"), (["tree"], "└── ")):
        text = _run_on_terminal(pyx, words, project)
        assert expected in text
        assert "app" in text
    assert "version" not in pyx("list", cwd=project).stdout


def test_a_terminal_gets_no_table_of_nothing(pyx: Pyx, project: Path) -> None:
    """Names of columns with nothing below them look like something that went wrong."""
    assert _run_on_terminal(pyx, ["tool", "list"], project) == ""


def test_a_narrow_terminal_cuts_nothing(pyx: Pyx, project: Path, pyx_home: Path) -> None:
    """A path is longer than the line, and still whole."""
    named = pyx_home / "named" / "science"
    named.mkdir(parents=True)
    named.parent.chmod(0o700)
    assert str(named) in _run_on_terminal(pyx, ["env", "list"], project, columns=30)


def _run_on_terminal(pyx: Pyx, words: list[str], project: Path, *, columns: int = 100) -> str:
    ours, theirs = pty.openpty()
    env = pyx.variables({"TERM": "xterm-256color", "COLUMNS": str(columns)})
    with subprocess.Popen([pyx.path, *words], cwd=project, env=env, stdout=theirs) as process:
        os.close(theirs)
        text = b""
        try:
            while chunk := os.read(ours, 4096):
                text += chunk
        except OSError:
            pass  # The terminal of a process that has ended cannot be read.
        finally:
            os.close(ours)
    assert process.returncode == 0
    return text.decode()


def test_each_kind_of_artifact_is_named(
    pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """An sdist and a source tree are told from a wheel."""
    make_source_tree(tmp_path / "tree", "tree", "1.0")
    text = pylock_text([make_sdist(wheels, "raw", "1.0")], index_url=index.url)
    text += '\n[[packages]]\nname = "tree"\n[packages.directory]\npath = "tree"\n'
    text += '\n[[packages]]\nname = "work"\n[packages.directory]\npath = "tree"\neditable = true\n'
    (tmp_path / "pylock.toml").write_text(text)
    lines = pyx("list", cwd=tmp_path).stdout.splitlines()
    assert [line.split()[-1] for line in lines] == ["sdist", "tree", "editable"]


def test_newer_versions_are_asked_from_the_index(pyx: Pyx, project: Path, wheels: Path) -> None:
    """Only what would run here counts: no other platform, no pre-release."""
    make_wheel(wheels, "web", "2.1")
    make_sdist(wheels, "base", "1.10")
    make_wheel(wheels, "app", "2.0rc1")
    make_wheel(wheels, "speed", "0.2", tag="cp39-cp39-win_amd64")
    make_wheel(wheels, "webby", "9.0")
    told = pyx("list", "--outdated", cwd=project)
    assert told.stdout.splitlines() == ["base  1.5  1.10", "web   2.0  2.1"], told.stderr
    facts = json.loads(pyx("list", "--outdated", "--json", cwd=project).stdout)
    assert facts[1] == {"name": "web", "version": "2.0", "kind": "wheel", "latest": "2.1"}


def test_the_index_that_a_list_names_is_asked(
    pyx: Pyx, project: Path, wheels: Path, tmp_path: Path, index: IndexServer
) -> None:
    """Another one might have a stranger's package of that name, and would learn of ours."""
    own = tmp_path / "own"
    own.mkdir()
    make_wheel(wheels, "web", "9.0")
    with IndexServer(own) as private:
        wheel = make_wheel(own, "web", "2.0")
        make_wheel(own, "web", "2.5")
        listed = project / "requirements.txt"
        listed.write_text(f"--index-url {private.url}\nweb==2.0\n")
        lock = pylock_text([wheel], index_url=private.url).encode()
        stamped = stamp_pylock(lock, read_origin(listed), project)
        (project / "pylock.toml").write_bytes(stamped)
        told = pyx("list", "--outdated", cwd=project)
    assert told.stdout == "web  2.0  2.5\n", told.stderr
    assert index.requests == []


def test_a_yanked_version_is_not_newer(
    pyx: Pyx, project: Path, wheels: Path, index: IndexServer
) -> None:
    """What its author took back is nothing to upgrade to."""
    index.yanked.add(make_wheel(wheels, "web", "2.1").name)
    assert pyx("list", "--outdated", cwd=project).stdout == ""


def test_an_index_that_may_not_be_asked_is_said(
    pyx: Pyx, project: Path, index: IndexServer
) -> None:
    """Offline nothing is asked; a server that fails is no empty answer."""
    told = pyx("list", "--outdated", "--offline", cwd=project)
    assert told.returncode == 69
    assert "--offline was given" in told.stderr
    assert index.requests == []
    index.fail("/simple/web/", 403)
    told = pyx("list", "--outdated", cwd=project)
    assert (told.returncode, told.stdout) == (69, "")


def test_the_tree_shows_who_requires_what(pyx: Pyx, project: Path) -> None:
    """Extras count where somebody asks for them, markers for the interpreter that runs."""
    told = pyx("tree", cwd=project)
    assert told.stdout.splitlines() == [
        "app 1.0",
        "  web[fast] 2.0 (>=2)",
        "    base 1.5 (<3,>=1)",
        "    speed 0.1",
        "never 0.1",
    ], told.stderr


def test_the_inverted_tree_shows_by_whom(pyx: Pyx, project: Path) -> None:
    """The names may be spelled as they like."""
    told = pyx("tree", "--invert", "BASE", cwd=project)
    assert told.stdout.splitlines() == [
        "base 1.5",
        "  web 2.0 (<3,>=1)",
        "    app 1.0 (>=2)",
    ]
    told = pyx("tree", "--invert", "none", cwd=project)
    assert told.returncode == 69
    assert f"{project}" not in told.stdout


def test_circles_end(pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer) -> None:
    """Distributions that require one another are shown once each, and all are shown."""
    artifacts = [
        make_wheel(wheels, "one", "1", requires=["two"]),
        make_wheel(wheels, "two", "1", requires=["one"]),
        make_wheel(wheels, "odd", "1", requires=["odd", "not a requirement!"]),
    ]
    (tmp_path / "pylock.toml").write_text(pylock_text(artifacts, index_url=index.url))
    assert pyx("tree", cwd=tmp_path).stdout.splitlines() == [
        "odd 1",
        "  odd 1 …",
        "one 1",
        "  two 1",
        "    one 1 …",
    ]


def test_the_tree_as_data(pyx: Pyx, project: Path) -> None:
    """A graph, not a tree: each distribution once, with what it requires."""
    facts = json.loads(pyx("tree", "--json", cwd=project).stdout)
    assert facts["roots"] == ["app", "never"]
    assert facts["distributions"][0] == {
        "name": "app",
        "version": "1.0",
        "requires": [{"name": "web", "specifier": ">=2", "extras": ["fast"]}],
    }
    facts = json.loads(pyx("tree", "--invert", "web", "--json", cwd=project).stdout)
    assert facts["roots"] == ["web"]
    assert facts["distributions"][0]["required-by"] == []


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("web", "web/__init__.py"),
        ("Web", "web/__init__.py"),
        ("base", None),
        ("base_lib", "base_lib"),
        ("base_lib.core", "base_lib/core.py"),
        ("base_one", "base_one.py"),
    ],
)
def test_a_name_leads_to_its_entry(pyx: Pyx, project: Path, name: str, module: str | None) -> None:
    """Of a module or of a distribution; with the lock that chose it."""
    pyx("sync", cwd=project)
    fact = json.loads(pyx("which", name, "--json", cwd=project).stdout)[0]
    owner = "web 2.0" if name.lower() == "web" else "base 1.5"
    assert fact["distribution"] == owner
    assert fact["entry"].endswith("-" + fact["entry"][-8:])
    assert f"/store/{owner.replace(' ', '/')}/" in fact["entry"]
    assert fact["module"] == (f"{fact['entry']}/{module}" if module else None)
    assert fact["locked by"] == f"{project}/pylock.toml (nearest lock)"


def test_which_agrees_with_an_import(pyx: Pyx, project: Path) -> None:
    """What it names is what a program gets, of the standard library, too."""
    pyx("sync", cwd=project)
    for name in ("web", "base_lib.core", "json", "json.decoder", "xml.sax"):
        told = pyx("which", name, cwd=project).stdout
        path = next(line for line in told.splitlines() if line.startswith("module:")).split()[1]
        assert (
            pyx("-c", f"import {name} as m; print(m.__file__)", cwd=project).stdout == f"{path}\n"
        )
    assert "built into the interpreter" in pyx("which", "sys", cwd=project).stdout


def test_an_editable_leads_to_its_source(pyx: Pyx, tmp_path: Path) -> None:
    """A path line of the entry is followed."""
    make_source_tree(tmp_path / "tree", "work", "1.0")
    text = 'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "work"\n'
    text += '[packages.directory]\npath = "tree"\neditable = true\n'
    (tmp_path / "pylock.toml").write_text(text)
    pyx("sync", cwd=tmp_path)
    fact = json.loads(pyx("which", "work", "--json", cwd=tmp_path).stdout)[0]
    assert fact["module"] == str(tmp_path / "tree" / "src" / "work" / "__init__.py")


def test_an_editable_has_the_version_of_today(pyx: Pyx, tmp_path: Path) -> None:
    """No lock pins it, and its project file says it."""
    make_source_tree(tmp_path / "tree", "work", "1.0")
    text = 'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "work"\n'
    text += '[packages.directory]\npath = "tree"\neditable = true\n'
    (tmp_path / "pylock.toml").write_text(text)
    assert pyx("list", cwd=tmp_path).stdout == "work  1.0  editable\n"
    assert json.loads(pyx("list", "--json", cwd=tmp_path).stdout)[0]["version"] == "1.0"


def test_what_is_not_there_is_not_found(pyx: Pyx, project: Path) -> None:
    """Before anything is fetched, and afterwards with what may have been meant."""
    told = pyx("which", "web", cwd=project)
    assert "not in the store" in told.stdout
    told = pyx("which", "web.x", cwd=project)
    assert told.stderr.endswith("hint: `pyx sync` first: 5 packages are not in the store yet\n")
    pyx("sync", cwd=project)
    told = pyx("which", "wbe", cwd=project)
    assert (told.returncode, told.stdout) == (69, "")
    assert told.stderr.endswith("hint: did you mean web?\n")


def test_a_script_is_shown_as_it_starts(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """By the lock beside it or above it, from wherever it is asked for."""
    script = project / "x.py"
    script.touch()
    beside = project / "pylock.x.toml"
    wheel = make_wheel(tmp_path / "wheels", "tick", "3.0")
    beside.write_text(pylock_text([wheel], index_url=pyx.environ["PIP_INDEX_URL"]))
    assert pyx("list", script, cwd=tmp_path).stdout == "tick  3.0  wheel\n"
    assert pyx("tree", "--json", script, cwd=tmp_path).stdout.count("tick") == 2
    told = json.loads(pyx("which", "tick", script, "--json", cwd=tmp_path).stdout)
    assert told[0]["locked by"] == f"{beside} (lies beside x.py)"
    told = json.loads(pyx("info", script, "--json", cwd=tmp_path).stdout)
    assert told["distributions"] == [{"name": "tick", "version": "3.0"}]
    beside.unlink()
    assert len(pyx("list", "project/x.py", cwd=tmp_path).stdout.splitlines()) == 5
    script.write_text("# /// script\n# dependencies = []\n# ///\n")
    told = pyx("list", script, cwd=tmp_path)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["list", "rich"], "`pyx which rich` shows one package"),
        (["tree", "rich"], "`pyx tree --invert rich` shows one package"),
        (["which", "a", "rich"], "pyx which a"),
    ],
)
def test_a_script_that_is_not_there_is_told(
    pyx: Pyx, project: Path, words: list[str], hint: str
) -> None:
    """Who names a distribution there is told how that is asked for."""
    told = pyx(*words, cwd=project)
    assert (told.returncode, told.stdout) == (64, "")
    assert told.stderr == f"pyx: there is no script rich\npyx: hint: {hint}\n"


@pytest.mark.parametrize("words", [["list"], ["tree"], ["which", "rich"]])
def test_without_a_lock_there_is_nothing_to_show(
    pyx: Pyx, tmp_path: Path, words: list[str]
) -> None:
    """What was looked for in vain, and both ways out."""
    told = pyx(*words, cwd=tmp_path)
    assert (told.returncode, told.stdout) == (64, "")
    assert told.stderr == (
        f"pyx: there is no lock in {tmp_path} or above\npyx: hint: `pyx init` makes a "
        f"project here; `pyx --project DIR {' '.join(words)}` takes another\n"
    )


def test_a_project_without_a_lock_is_to_be_locked(pyx: Pyx, tmp_path: Path) -> None:
    """It is told with what locks it, and the standard library is there in any case."""
    text = '[project]\nname = "p"\nversion = "1"\ndependencies = ["rich"]\n'
    (tmp_path / "pyproject.toml").write_text(text)
    told = pyx("list", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (65, "")
    assert told.stderr.splitlines()[1].endswith(" lock`")
    assert "the standard library" in pyx("which", "json", cwd=tmp_path).stdout


INFO_KEYS = {
    *("lock", "reason", "stale", "interpreter", "start", "groups", "extras", "tools", "hidden"),
    *(
        "markers",
        "distributions",
        "missing",
        "environment",
        "layout",
        "sys_path",
        "conflicts",
        "next_start",
    ),
}


def test_info_is_told_as_json(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """Its keys are promised in the help; each is there before and after anything is ready."""
    unknown = {"PYX_CACHE_DIR": str(tmp_path / "unknown")}
    before = json.loads(pyx("info", "--json", cwd=project, env=unknown).stdout)
    assert before.keys() == INFO_KEYS
    assert before["lock"] == str(project / "pylock.toml")
    assert [one["name"] for one in before["missing"]] == ["app", "web", "base", "speed", "never"]
    assert (before["environment"], before["sys_path"]) == (None, [])
    pyx("sync", cwd=project)
    after = json.loads(pyx("info", "--json", cwd=project).stdout)
    assert after.keys() == INFO_KEYS
    assert after["missing"] == []
    assert (before["start"]["way"], after["start"]["way"]) == (None, "fast")
    assert "the fast way: programs behave the same" in pyx("info", cwd=project).stdout
    public = json.loads(pyx("info", "--json", cwd=project, env={"PYX_START": "public"}).stdout)
    assert public["start"] == {"way": "public", "reason": "PYX_START says so"}
    assert {"name": "web", "version": "2.0"} in after["distributions"]
    assert after["sys_path"][0] == str(project)
    shown = pyx("info", cwd=project).stdout
    assert all(place in shown for place in (after["environment"], *after["sys_path"]))
    told = " ".join(pyx("info", "--help").stdout.split())
    assert all(key in told for key in INFO_KEYS)


def test_locks_are_compared_by_what_they_mean(
    pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """Two formats that lock the same are equal; each change has its kind."""
    same, gone, old, new, more = (
        make_wheel(wheels, *label.split("-"))
        for label in ("same-1.0", "gone-1.0", "up-1.9", "up-1.10", "more-1.0")
    )
    left, right = tmp_path / "left", tmp_path / "right"
    for directory in (left, right):
        directory.mkdir()
    (left / "pylock.toml").write_text(pylock_text([same, gone, old], index_url=index.url))
    (left / "poetry.lock").write_text(poetry_lock_text([same, gone, old]))
    (right / "poetry.lock").write_text(poetry_lock_text([same, new, more]))
    told = pyx("diff", left / "pylock.toml", left / "poetry.lock")
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
    told = pyx("diff", left, "right", cwd=tmp_path)
    assert told.returncode == 1
    assert told.stdout.splitlines() == [
        "removed   gone  1.0  -",
        "added     more  -    1.0",
        "upgraded  up    1.9  1.10",
    ]
    facts = json.loads(pyx("diff", right, left, "--json").stdout)
    assert facts[2] == {"name": "up", "change": "downgraded", "old": "1.10", "new": "1.9"}


def test_another_file_of_the_same_version_is_a_change(
    pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """What a lock names is content, and a version can be built twice."""
    (tmp_path / "a").mkdir()
    wheel = make_wheel(wheels, "same", "1.0")
    (tmp_path / "a" / "pylock.toml").write_text(pylock_text([wheel], index_url=index.url))
    wheel = make_wheel(wheels, "same", "1.0", files={"same.py": ""})
    (tmp_path / "pylock.toml").write_text(pylock_text([wheel], index_url=index.url))
    assert pyx("diff", "a", ".", cwd=tmp_path).stdout == "other file  same  1.0  1.0\n"


def test_named_environments_are_compared(pyx: Pyx, project: Path) -> None:
    """`@NAME` stands for a lock, as it does at a start; a missing one is an error."""
    pyx("env", "create", "none")
    told = pyx("diff", "@none", project, cwd=project)
    assert [line.split()[0] for line in told.stdout.splitlines()] == ["added"] * 5
    told = pyx("diff", "@other", project)
    assert (told.returncode, told.stdout) == (64, "")
    assert pyx("diff", project).returncode == 64


def test_what_is_locked_and_left_out_is_told(pyx: Pyx, tmp_path: Path) -> None:
    """To add what an extra has already would be wrong advice."""
    wheel = '[{ url = "https://example.org/%s-1-py3-none-any.whl", hashes = { sha256 = "%s" } }]'
    texts = ['lock-version = "1.0"\ncreated-by = "hand"\nextras = ["fast"]\n']
    for name, marker in (("tock", "'fast' in extras"), ("tack", "sys_platform == 'win32'")):
        texts.append(f'[[packages]]\nname = "{name}"\nversion = "1"\nmarker = "{marker}"\n')
        texts.append(f"wheels = {wheel % (name, '0' * 64)}\n")
    (tmp_path / "pylock.toml").write_text("".join(texts))
    hints = {
        "tock": "an extra or a group has it: `pyx --all-extras --all-groups which tock`",
        "tack": "tack is locked, but for other platforms or versions of Python",
        "teck": "add the package that has it, which may have another name: `pyx add PACKAGE`",
    }
    for name, hint in hints.items():
        told = pyx("which", name, cwd=tmp_path)
        assert (told.returncode, told.stdout) == (69, "")
        assert told.stderr.splitlines()[1] == f"pyx: hint: {hint}"
