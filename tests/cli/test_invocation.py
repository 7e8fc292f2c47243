"""The command line: pyx's options, python's grammar, and variables that act like options."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyx_launcher.cli.commands import OPTIONS_OF_OTHERS
from pyx_launcher.cli.invocation import Invocation, parse_invocation, parse_program
from pyx_launcher.errors import UsageError
from pyx_launcher.locks.common.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def parse(*words: str, **variables: str) -> Invocation:
    """Return what ``pyx WORDS`` asks for."""
    return parse_invocation(words, variables)


@pytest.mark.parametrize(
    ("words", "mode", "target"),
    [
        ([], "i", None),
        (["-"], "i", None),
        (["-", "x.py"], "i", None),
        (["--"], "i", None),
        (["-i"], "i", None),
        (["x.py"], "s", "x.py"),
        (["x.py", "-c", "pass"], "s", "x.py"),
        (["--", "-x.py"], "s", "-x.py"),
        (["-u", "--", "x.py"], "s", "x.py"),
        ([""], "s", ""),
        (["-c", "print(1)", "x.py"], "c", "print(1)"),
        (["-cprint(1)"], "c", "print(1)"),
        (["-c", ""], "c", ""),
        (["-c", "-m"], "c", "-m"),
        (["-m", "a.b", "-x"], "m", "a.b"),
        (["-ma.b"], "m", "a.b"),
        (["-Im", "a"], "m", "a"),
        (["-BIma"], "m", "a"),
        (["-m", ""], "m", ""),
        (["-W", "error", "x.py"], "s", "x.py"),
        (["-Werror", "x.py"], "s", "x.py"),
        (["-bW", "error", "x.py"], "s", "x.py"),
        (["-W", "-c", "x.py"], "s", "x.py"),
        (["-X", "dev", "-Xutf8=1", "x.py"], "s", "x.py"),
        (["-uOOv", "-x", "x.py"], "s", "x.py"),
        (["--check-hash-based-pycs", "always", "x.py"], "s", "x.py"),
        (["--check-hash-based-pycs", "-c", "x.py"], "s", "x.py"),
        (["--check-hash-based-pycs"], "p", None),
        (["-c"], "p", None),
        (["-m"], "p", None),
        (["-W"], "p", None),
        (["-uX"], "p", None),
        (["-V"], "p", None),
        (["-VV"], "p", None),
        (["-h"], "p", None),
        (["-?"], "p", None),
        (["-uV", "x.py"], "p", None),
        (["-z", "x.py"], "p", None),
        (["-:"], "p", None),
        (["-é"], "p", None),
        (["-u-"], "p", None),
        (["--help-env"], "p", None),
    ],
)
def test_the_target_is_found_by_pythons_grammar(
    words: Sequence[str], mode: str, target: str | None
) -> None:
    """Wherever python would see its program, so does pyx; the words themselves stay untouched."""
    program = parse_program(words)
    assert (program.mode, program.target) == (mode, target)
    assert program.words == tuple(words)


def test_own_options_come_first_and_take_values_both_ways() -> None:
    """Separate or attached; the last interpreter counts, and each project; then python's follow."""
    words = ("--python", "3.9", "--project", "a", "--project=b=c", "--python=3.12")
    found = parse(*words, "-u", "x.py", "--project", "d")
    assert (found.projects, found.python) == (("a", "b=c"), "3.12")
    with pytest.raises(UsageError, match="only one project"):
        _ = found.project
    assert found.own == words
    assert found.program.words == ("-u", "x.py", "--project", "d")


def test_groups_and_extras_add_up() -> None:
    """Repeated or separated by commas, in the order they were typed; empty names are none."""
    found = parse("--group", "a,b", "--extra=x", "--group=c,,", "--no-default-groups", "x.py")
    assert found.choice == Choice(groups=("a", "b", "c"), extras=("x",), default_groups=False)
    assert parse("--all-groups", "--all-extras").choice == Choice(all_groups=True, all_extras=True)
    assert parse("x.py").choice == Choice()


def test_groups_are_named_as_other_tools_name_them() -> None:
    """PDM's `-G` and uv's `--only-group`, `--no-group` and `--no-dev`, with every command."""
    for words in (("-G", "a", "-Gb,c"), ("sync", "-G", "a", "-Gb,c"), ("info", "-G", "a,b,c")):
        assert parse(*words, "x.py").choice == Choice(groups=("a", "b", "c"))
    found = parse("--only-group", "a", "--only-group=b", "--no-group", "c,d", "--no-dev", "x.py")
    assert found.choice == Choice(only_groups=("a", "b"), no_groups=("c", "d"), no_dev=True)
    found = parse("-G", "docs", "-u", "x.py", "-G")
    assert (found.own, found.program.words) == (("-G", "docs"), ("-u", "x.py", "-G"))


def test_locked_is_an_option_of_its_own() -> None:
    """`--locked` is off unless it is typed, and part of what makes the key of a launch record."""
    found = parse("--locked", "x.py", "--locked")
    assert (found.locked, found.own, found.program.words) == (
        True,
        ("--locked",),
        ("x.py", "--locked"),
    )
    assert not parse("x.py", "--locked").locked


def test_a_name_stands_first_or_is_a_script() -> None:
    """`@name` names an environment only as the very first word."""
    found = parse("@tools", "--offline", "-m", "x")
    assert (found.named, found.offline, found.own) == ("tools", True, ("@tools", "--offline"))
    assert parse("@").named == ""
    later = parse("--offline", "@tools")
    assert (later.named, later.program.target) == (None, "@tools")


@pytest.mark.parametrize("word", ["sync", "info", "--help", "-h", "--version"])
def test_a_command_wins_over_a_file_of_its_name(word: str) -> None:
    """With a path or after `--` it is a script."""
    assert parse(word).verb == word
    assert parse("--offline", word).verb == word
    assert parse("./" + word).verb is None
    assert parse("--", word).verb is None
    assert parse("x.py", word).verb is None


def test_a_command_speaks_of_the_start_with_its_options() -> None:
    """Options before and after it mean the same, and make the same key."""
    after, before = parse("info", "--group", "a", "x.py"), parse("--group", "a", "info", "x.py")
    assert after == before
    assert after.own == parse("--group", "a", "x.py").own
    assert after.program.target == "x.py"


def test_options_may_stand_behind_the_script_that_a_command_speaks_of() -> None:
    """The command's own are no part of the key; those of a start are."""
    found = parse("info", "-W", "x.py", "x.py", "--json", "--group", "a")
    assert found.own == ("--group", "a")
    assert (found.settings, found.choice.groups) == ({"--json": ()}, ("a",))
    assert found.program.words == ("-W", "x.py", "x.py")
    assert parse("info", "-m", "x", "--json").program.words == ("-m", "x", "--json")


@pytest.mark.parametrize("word", ["--offlin", "--ofline", "--ofFline"])
def test_a_wrong_option_is_told_with_the_one_that_was_meant(word: str) -> None:
    """The hint is an option that exists."""
    with pytest.raises(UsageError, match=f"unknown option {word}") as caught:
        parse(word, "x.py")
    assert caught.value.hint == "did you mean --offline?"


@pytest.mark.parametrize("word", ["--zzz", "--=", "--\n", "---"])
def test_what_resembles_nothing_points_to_the_help(word: str) -> None:
    """Also a word that is hardly one."""
    with pytest.raises(UsageError, match="unknown option") as caught:
        parse(word)
    assert caught.value.hint


@pytest.mark.parametrize("word", ["--project", "--python", "--group", "--extra"])
def test_a_value_that_is_missing_is_told(word: str) -> None:
    """The last word cannot be an option that needs another."""
    with pytest.raises(UsageError, match=f"{word} needs a value"):
        parse("--offline", word)


def test_variables_act_like_options() -> None:
    """An option wins over its variable; empty variables and PYX_OFFLINE=0 mean nothing."""
    assert parse(PYX_PROJECT="p").project == "p"
    assert parse("--project=q", PYX_PROJECT="p").project == "q"
    assert parse(PYX_PROJECT="").project is None
    offline = {value: parse(PYX_OFFLINE=value).offline for value in ("", "0", "1", "no")}
    assert offline == {"": False, "0": False, "1": True, "no": True}
    assert parse("--offline", PYX_OFFLINE="0").offline


def test_odd_bytes_pass_through() -> None:
    """Undecodable words and empty ones are kept as they are."""
    words = ("--project=\udcff", "--", "\udcfe.py", "", "\n")
    found = parse(*words)
    assert found.project == "\udcff"
    assert found.program.words == words[1:]
    assert found.program.target == "\udcfe.py"


def test_a_verb_takes_words_and_options_in_any_order() -> None:
    """Its own options and pyx's may stand before, between and behind its words."""
    found = parse("@a", "tool", "--python", "3.12", "install", "--with", "b", "x", "--with=c,d")
    assert (found.named, found.verb, found.python) == ("a", "tool", "3.12")
    assert found.words == ("install", "x")
    assert found.settings == {"--with": ("b", "c,d")}
    assert found.stacked == ()
    assert found.program.words == ()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "--group", "a", "x", "--json", "-h", "--", "y"], ["x", "--json", "-h", "--", "y"]),
        (["run", "--", "-x", "y"], ["-x", "y"]),
        (["tool", "run", "--from", "z", "x", "--help"], ["run", "x", "--help"]),
        (["tool", "--", "run", "-x"], ["run", "-x"]),
    ],
)
def test_what_belongs_to_a_program_is_left_to_it(words: list[str], expected: list[str]) -> None:
    """Behind the name of a program no word is pyx's, whatever it looks like."""
    assert list(parse(*words).words) == expected


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("add -D x", "add --dev x"),
        ("add -r a.txt -cb.txt", "add --requirements a.txt --constraints b.txt"),
        ("add --requirement=a.txt", "add --requirements a.txt"),
        ("lock -U x", "lock --upgrade x"),
        ("tool install -e .", "tool install --editable ."),
    ],
)
def test_short_options_mean_what_they_mean_elsewhere(typed: str, meant: str) -> None:
    """Those of pip, uv, Poetry and PDM, with their value attached or as the next word."""
    short, long = parse(*typed.split()), parse(*meant.split())
    assert (short.words, short.settings) == (long.words, long.settings)


def test_a_programs_own_short_options_stay_its_own() -> None:
    """What stands behind the name of a program that is run is no option of pyx's."""
    assert parse("tool", "run", "x", "-e", "-r").words == ("run", "x", "-e", "-r")


def test_a_verb_explains_itself() -> None:
    """`--help` behind a verb, or among its words, is about that verb."""
    for words in (["env", "--help"], ["env", "list", "-h"], ["tool", "run", "--help"]):
        found = parse(*words)
        assert (found.verb, found.words) == ("--help", (words[0],))


LEFT_OUT = "leave it out: `pyx lock --upgrade NAME` moves what is locked already"


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["list", "--jsn"], "unknown option --jsn", "did you mean --json?"),
        (["tree", "--depth", "1"], "unknown option --depth", "pyx tree --help"),
        (["list", "-x"], "pyx list does not know -x", "pyx list --help"),
        (["tree", "--invert"], "--invert needs a value", "pyx tree --invert NAME"),
        (["--group"], "--group needs a value", "pyx --group NAME"),
        (["list", "--group="], "--group needs a value", "pyx list --group NAME"),
        (["--offline=1"], "--offline takes no value", "pyx --offline"),
        (["list", "--json=x"], "--json takes no value", "pyx list --json"),
        (["sync", "--prod"], "unknown option --prod", "pyx sync --no-default-groups"),
        (["sync", "--only", "docs"], "unknown option --only", "pyx sync --only-group docs"),
        (["sync", "--only=docs"], "unknown option --only=docs", "pyx sync --only-group docs"),
        (["sync", "--only", "main"], "unknown option --only", "pyx sync --no-default-groups"),
        (["--without", "docs", "x.py"], "unknown option --without", "pyx --no-group docs x.py"),
        (
            ["sync", "--only-group", "docs", "--all-extras"],
            "--only-group cannot be used with --all-extras",
            "--only-group docs",
        ),
        (
            ["--only-group", "a", "-G", "b", "x.py"],
            "--only-group cannot be used with --group",
            "--only-group a --only-group b",
        ),
        (
            ["env", "create", "x", "--clone"],
            "--clone needs a value",
            "pyx env create x --clone OTHER",
        ),
        (["--group=", "a b.py"], "--group needs a value", "pyx --group NAME 'a b.py'"),
        (
            ["env", "remove", "--all"],
            "unknown option --all",
            "`pyx env list` shows all of them; name one to remove it",
        ),
        (["sync", "x.py", "--group"], "--group needs a value", "pyx sync x.py --group NAME"),
        (
            ["sync", "x.py", "--prod"],
            "unknown option --prod",
            "pyx sync x.py --no-default-groups",
        ),
        (
            ["list", "--json", "x.py", "--only", "docs"],
            "unknown option --only",
            "pyx list --json x.py --only-group docs",
        ),
        (
            ["@sci", "sync", "--compile", "x.py", "y"],
            "pyx sync takes one script: y is one word too many",
            "pyx @sci sync --compile x.py",
        ),
        (
            ["sync", "--compile", "-p", "3.12"],
            "pyx sync does not know -p",
            "pyx sync --compile --python 3.12",
        ),
        (
            ["@sci", "-p", "3.12", "x.py", "--user", "bob"],
            "unknown option -p",
            "pyx @sci --python 3.12 x.py --user bob",
        ),
        (
            ["--offline", "sync", "--only", "docs", "--project", "lib"],
            "unknown option --only",
            "pyx --offline sync --only-group docs --project lib",
        ),
        (
            ["sync", "-G", "test", "--no-default"],
            "unknown option --no-default",
            "pyx sync --only-group test",
        ),
        (["-G"], "--group needs a value", "pyx --group NAME"),
        (["list", "--tree"], "unknown option --tree", "pyx tree"),
        (
            ["add", "--channel", "x", "y"],
            "unknown option --channel",
            OPTIONS_OF_OTHERS["--channel"],
        ),
        (["remove", "-n", "a", "x"], "pyx remove does not know -n", "pyx @a remove x"),
        (["list", "-n", "@a"], "pyx list does not know -n", "pyx @a list"),
        (["list", "-n"], "pyx list does not know -n", "pyx list --help"),
        (["diff", "-n", "a"], "pyx diff does not know -n", "pyx diff --help"),
        (["python", "-n", "a", "x.py"], "unknown option -n", "pyx @a x.py"),
        (["list", "--json", "@a"], "@a comes before the command", "pyx @a list --json"),
        (["info", "@a"], "@a comes before the command", "pyx @a info"),
        (["python", "list", "@a"], "@a comes before the command", "pyx @a python list"),
        (
            ["add", "@a", "-U", "x", "--project=b"],
            "pyx add does not know -U",
            "pyx @a --project=b lock --upgrade x",
        ),
        (["add", "-U", "--init"], "pyx add does not know -U", LEFT_OUT),
        (["add", "x", "-r", "r.txt", "--upgrade"], "unknown option --upgrade", LEFT_OUT),
        (
            ["add", "--pre", "x>1", "y"],
            "unknown option --pre",
            "a pre-release is named by its version: `pyx add x==VERSION y==VERSION`",
        ),
        (
            ["add", "--extra-index-url", "u", "x", "--dev"],
            "unknown option --extra-index-url",
            "`PIP_EXTRA_INDEX_URL=u pyx add x --dev`; for good, in pip's configuration",
        ),
        (
            ["@a", "add", "-i", "u", "x"],
            "pyx add does not know -i",
            "`PIP_INDEX_URL=u pyx @a add x`; for good, in pip's configuration",
        ),
        (["lock", "-r", "x"], "pyx lock does not know -r", "pyx add -r x"),
        (["lock", "-r"], "pyx lock does not know -r", OPTIONS_OF_OTHERS["-r"]),
        (["lock", "--no-update"], "unknown option --no-update", OPTIONS_OF_OTHERS["--no-update"]),
        (["add", "-U", "x", "y"], "pyx add does not know -U", "pyx lock --upgrade x y"),
        (["add", "x", "--upgrade"], "unknown option --upgrade", "pyx lock --upgrade x"),
        (["sync", "--upgrade"], "unknown option --upgrade", "pyx lock --upgrade"),
        (["sync", "-U"], "pyx sync does not know -U", "pyx lock --upgrade"),
        (["tool", "install", "-U", "x"], "pyx tool does not know -U", "pyx tool upgrade x"),
        (["tool", "--upgrade"], "unknown option --upgrade", "pyx tool upgrade"),
        (["sync", "--frozen"], "unknown option --frozen", OPTIONS_OF_OTHERS["--frozen"]),
        (["init", "--package", "x"], "unknown option --package", "pyx init --lib x"),
        (["list", "-o"], "pyx list does not know -o", "pyx list --outdated"),
        (["add", "x", "-q"], "pyx add does not know -q", OPTIONS_OF_OTHERS["-q"]),
        (["env", "--kernel", "--name", "a"], "unknown option --name", "pyx env --help"),
        (["init", "--app"], "unknown option --app", "pyx init"),
        (["sync", "-p", "3.12"], "pyx sync does not know -p", "pyx sync --python 3.12"),
        (["run", "-p", "3.12", "x"], "pyx run does not know -p", "pyx run --python 3.12 x"),
        (["-p", "3.12", "x.py", "-p"], "unknown option -p", "pyx --python 3.12 x.py -p"),
        (
            ["--offline", "-p3.12", "-m", "x"],
            "unknown option -p",
            "pyx --offline --python 3.12 -m x",
        ),
        (["-p"], "unknown option -p", "pyx --python VERSION"),
        (["-r", "a b.txt"], "unknown option -r", "pyx add -r 'a b.txt'"),
        (["-e", "."], "unknown option -e", "pyx add -e ."),
        (["-n", "a", "x.py"], "unknown option -n", "pyx @a x.py"),
        (["--package", "x", "x.py"], "unknown option --package", "pyx --project DIR x.py"),
        (["remove", "-y", "x"], "pyx remove does not know -y", OPTIONS_OF_OTHERS["-y"]),
        (["env", "create", "-n", "a"], "pyx env does not know -n", "pyx env create a"),
        (["env", "remove", "--name=a"], "unknown option --name=a", "pyx env remove a"),
        (["env", "activate", "-n", "a"], "pyx env does not know -n", 'pyx @a run "$SHELL"'),
        (["env", "-n", "a"], "pyx env does not know -n", "pyx env create a"),
        (["python", "x.py", "-v", "--y"], "pyx python does not know x.py", "pyx x.py -v --y"),
        (["python", "-m", "x"], "pyx python does not know -m", "pyx -m x"),
        (["python", "--version"], "pyx python does not know --version", "pyx -V"),
        (
            ["@a", "--offline", "python", "3.12", "x.py"],
            "pyx python does not know 3.12",
            "pyx @a --offline --python 3.12 x.py",
        ),
        (
            ["add", "--group", "dev", "-U", "pytest"],
            "pyx add does not know -U",
            "pyx lock --upgrade pytest",
        ),
        (
            ["add", "-U", "--group", "dev", "pytest"],
            "pyx add does not know -U",
            "pyx lock --upgrade pytest",
        ),
        (
            ["add", "-U", "-Gdev", "pytest", "--optional", "e", "rich"],
            "pyx add does not know -U",
            "pyx lock --upgrade pytest rich",
        ),
        (["sync", "--extra", "viz", "--upgrade"], "unknown option --upgrade", "pyx lock --upgrade"),
        (
            ["tool", "install", "--with", "numpy", "-U", "ipython"],
            "pyx tool does not know -U",
            "pyx tool upgrade ipython",
        ),
        (
            ["tool", "install", "-U", "--with", "numpy", "ipython"],
            "pyx tool does not know -U",
            "pyx tool upgrade ipython",
        ),
        (
            ["lock", "-P", "a", "--upgrade-package=b"],
            "pyx lock does not know -P",
            "pyx lock --upgrade a b",
        ),
        (
            ["@sci", "add", "-U", "numpy"],
            "pyx add does not know -U",
            "pyx @sci lock --upgrade numpy",
        ),
        (["@sci", "add", "-r"], "--requirements needs a value", "pyx @sci add --requirements FILE"),
        (["@sci", "-r", "req.txt"], "unknown option -r", "pyx @sci add -r req.txt"),
        (
            ["@sci", "--offline", "tool", "install", "-U", "x"],
            "pyx tool does not know -U",
            "pyx --offline tool upgrade x",
        ),
        (["--project", "lib", "-e", "."], "unknown option -e", "pyx --project lib add -e ."),
        (
            ["--project", "lib", "sync", "x.py", "-U"],
            "pyx sync takes one script: -U is one word too many",
            "pyx --project lib sync x.py",
        ),
        (["@sci", "run", "-m", "x"], "pyx run does not know -m", "pyx @sci -m x"),
        (["-p", "-c", "pass"], "unknown option -p", "pyx --python VERSION -c pass"),
        (["-n", "@a", "x.py"], "unknown option -n", "pyx @a x.py"),
        (["env", "list", "-n", "a"], "pyx env does not know -n", "pyx env --help"),
        (["env", "show", "-n", "a"], "pyx env does not know -n", "pyx env show a"),
        (["list", "--zzz"], "unknown option --zzz", "pyx list --help"),
        (["run", "-m", "x", "a b"], "pyx run does not know -m", "pyx -m x 'a b'"),
        (
            ["info", "x.py", "y"],
            "pyx info takes one script: y is one word too many",
            "pyx info x.py",
        ),
        (
            ["--with", "dev", "x.py"],
            "--with dev: it takes a named environment",
            (
                "a group of the project is `--group dev`, a named environment `--with @NAME`;"
                " `pyx add PACKAGE` adds a package"
            ),
        ),
    ],
)
def test_what_a_verb_does_not_know_is_said(words: list[str], said: str, hint: str) -> None:
    """Nothing of a command is passed over."""
    with pytest.raises(UsageError) as caught:
        parse(*words)
    assert (caught.value.message, caught.value.hint) == (said, hint)


@pytest.mark.parametrize(
    "words",
    [
        ["run", "x", "@a"],
        ["add", "@a", "x"],
        ["env", "show", "@a"],
        ["tool", "run", "x", "@a"],
        ["info", "-c", "@a"],
        ["info", "x.py"],
        ["diff", "@a", "@b"],
    ],
)
def test_a_name_behind_a_command_that_may_have_it_is_a_word(words: list[str]) -> None:
    """An argument of a program, a file, or an environment where it may stand."""
    found = parse(*words)
    assert (found.verb, found.named) == (words[0], None)


def test_a_file_may_be_named_like_an_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is there, it is what was meant."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "@a").touch()
    assert parse("list", "@a").words == ("@a",)


@pytest.mark.parametrize("word", ["-z", "-l", "-:", "-é", "--help-env", "-u", "-E", "-P", "-"])
def test_what_is_nobodys_is_left_to_python(word: str) -> None:
    """It has options of the same letters as others, and its own words for what it does not know."""
    assert parse(word, "x.py").program.words == (word, "x.py")


def test_a_member_of_a_workspace_is_named_by_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the members and their names are found from wherever the user is; another has none."""
    (tmp_path / "packages" / "dir").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["packages/*"]\n')
    text = '[project]\nname = "My.Lib"\nversion = "1"\n'
    (tmp_path / "packages" / "dir" / "pyproject.toml").write_text(text)
    for place, name, hint in (
        (tmp_path, "my-lib", "pyx run --project packages/dir x"),
        (tmp_path / "packages", "my-lib", "pyx run --project dir x"),
        (tmp_path, "other", "pyx run --project DIR x"),
    ):
        monkeypatch.chdir(place)
        with pytest.raises(UsageError) as caught:
            parse("run", "--package", name, "x")
        assert caught.value.hint == hint


def test_help_takes_the_name_of_a_command() -> None:
    """Before or behind it, and nothing else is looked at."""
    assert parse("--help", "add", "-x").words == ("add", "-x")
    assert parse("--version", "x.py", "y").verb == "--version"


def test_environments_are_stacked_by_name() -> None:
    """`--with` may come several times or list names; each is taken once, and all are pyx's own."""
    found = parse("--with", "@a,@b", "--with=@a", "x.py")
    assert (found.stacked, found.own) == (("a", "b"), ("--with", "@a,@b", "--with=@a"))
