"""Why a tool could not lock, as far as its own words tell: the usual causes, and what to do.

Nothing rests on this but a hint: what the tool has said is shown in any case.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from pyx_launcher.spelling import find_slips
from pyx_launcher.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from packaging.requirements import Requirement

_NAME = r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
_UNKNOWN = (
    rf"{_NAME}(?:\[[^\]]*\])? \(\*\) which doesn't match any versions",
    rf"{_NAME} was not found in the (?:package registry|provided package locations)",
    rf"Could not find a matching version of package {_NAME}",
    rf"Package (?P<q>['\"]?){_NAME}(?P=q) not found",
    rf"Unable to find (?:candidates|any candidates) for {_NAME}",
    rf"No matching distribution found for {_NAME}",
)
_PYTHON = (
    r"does not satisfy (?:all of: )?Python(?P<need>[<>=!~][^\s]*)",
    r"requires Python (?P<need>[<>=!~][^\s,;)]*)",
)
_VERSIONS = (
    rf"only {_NAME}(?P<known>[<>=!~]\S*) is available",
    rf"there (?:is|are) no versions? of {_NAME}",
    rf"only the following versions? of {_NAME}",
    rf"{_NAME}(?:\[[^\]]*\])? \((?!\*\))[^)]*\) which doesn't match any versions",
)
_CONCLUSION = re.compile(r"we can conclude that .*?\.(?= |$)")
_CURLY = re.compile(r"\{[^}]*\}")
"""A marker, as uv writes it into a name."""
_CLAUSE = r"[<>=!~]=*[^\s,;()]+"
_WISH = (
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[^\]]*\])?(?:\{[^}]*\})?"
    rf"(?:{_CLAUSE}(?:,{_CLAUSE})*)?"
)
_DEPENDS = re.compile(
    r"(?P<who>your project|The user|[^\s()]+) (?:depends? on|requires?|requested) (?:both )?"
    rf"(?P<wish>{_WISH})(?: and (?!\S+ (?:depends?|requires?) )(?P<other>{_WISH}))?"
)
_FROM = re.compile(rf"(?P<wish>{_WISH}) \(from (?P<who>[^\s)]+)\)")
"""How PDM lists what does not go together."""
_OTHER_FORMS = (
    (re.compile(rf"{_NAME}(?:\[[^\]]*\])? \((?P<number>\d[^)]*)\)"), r"\g<name>==\g<number>"),
    (re.compile(rf"{_NAME} \((?P<clauses>[<>=!~][^)]*)\)"), r"\g<name>\g<clauses>"),
    (re.compile(rf"{_NAME} (?P<number>\d\S*) (?=depends on )"), r"\g<name>==\g<number> "),
)
"""Requirements as Poetry and pip write them: `click (>=8)`, `click (8.1)`, `click 8.1`."""
_IMPORTED = {
    "cv2": "opencv-python",
    "opencv": "opencv-python",
    "pil": "pillow",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
}
"""Names of modules, and of conda's packages, that an index has by another one alone."""
_SHOWN = 3
"""Names of which one may be meant."""
_PERSONS = {"your project": "the project", "project": "the project", "The user": "the project"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What a person has asked for, now and before."""

    typed: Mapping[str, str] = field(default_factory=dict)
    """What was given a version in the command that fails: its name with its extras, by that name
    normalised."""
    option: str = ""
    """The option of that command that says where they belong, with a space behind it."""
    file: Path | None = None
    """The one that says the rest."""

    def write_again(self, name: str) -> str:
        """Return the command that asks for `name`, which was typed, in any version."""
        return f"`pyx add {self.option}{self.typed[name]}`, without a version,"


NO_WISHES = Wishes()


def collect_wishes(typed: Sequence[Requirement], file: Path, option: str = "") -> Wishes:
    """Return what was `typed`, with what `option`, and the `file` that it is to be written to."""
    names = {}
    for one in typed:
        extras = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
        if one.specifier:
            names[str(canonicalize_name(one.name))] = shlex.quote(f"{one.name}{extras}")
    return Wishes(typed=names, option=f"{option.strip()} ".lstrip(), file=file)


def explain_failure(text: str, known: Iterable[str], wishes: Wishes = NO_WISHES) -> str | None:
    """Return a hint for the usual causes that a tool's output `text` names; None for any other.

    `known` are the names of packages that may have been meant by one that is not there.
    """
    flat = " ".join(text.split())
    if conflict := _explain_conflict(flat):
        return conflict
    if found := _search(_UNKNOWN, flat):
        name = canonicalize_name(found["name"])
        close = [_IMPORTED[name]] if name in _IMPORTED else find_slips(name, known)[:_SHOWN]
        if close:
            return f"no index has {name}: did you mean {' or '.join(close)}?"
        return f"no index has {name}: check the spelling, and that PIP_INDEX_URL has it"
    if found := _search(_PYTHON, flat):
        need = found["need"].rstrip(".,;)").partition(",<")[0]
        asked = _find_too_new(flat)
        older = "ask for an older version of the package"
        newer = "take a newer one with --python"
        if wishes.file is not None and not wishes.file.name.endswith((".in", ".txt")):
            key = "python_version" if wishes.file.name == "Pipfile" else "requires-python"
            newer = f"raise {key} in {wishes.file.name}"
        if asked and asked in wishes.typed:
            older = f"{wishes.write_again(asked)} takes an older one"
        elif asked and wishes.file:
            older = f"ask for an older version of {asked} in {wishes.file}"
        return f"that needs Python {need}: {newer}, or {older}"
    if found := _search(_VERSIONS, flat):
        name = canonicalize_name(found["name"])
        known_versions = found.groupdict().get("known")
        there = f"; there is {name}{known_versions}" if known_versions else ""
        return f"no index has that version of {name}{there}{_ask_again(name, flat, wishes)}"
    return None


def _ask_again(name: str, text: str, wishes: Wishes) -> str:
    """Return how a person asks for another version of `name`; empty if it was a package's wish."""
    if not _is_asked(name, text):
        return ""
    if name in wishes.typed:
        return f": {wishes.write_again(name)} takes one that there is"
    return f"; change what {wishes.file} asks for" if wishes.file else ""


def _find_too_new(text: str) -> str | None:
    """Return the package of which a person asks for versions that need a newer Python."""
    found = re.search(rf"{_NAME}(?:{_CLAUSE})+ depends on (?:one of: )?Python[<>=!~]", text)
    for one in _DEPENDS.finditer(text):
        is_asked = one["who"] in (*_PERSONS, "you") and _find_clauses(one["wish"])
        if found and is_asked and _name_of(one["wish"]) == canonicalize_name(found["name"]):
            return canonicalize_name(found["name"])
    return None


def _is_asked(name: str, text: str) -> bool:
    """Tell whether it is a person, not another package, who asks for versions of `name`."""
    wishes = [one["wish"] for one in _DEPENDS.finditer(text) if one["who"] in (*_PERSONS, "you")]
    # Poetry calls the project by its name, and a package by that and a version.
    pattern = rf"[^\s()]+ depends on {_NAME}(?:\[[^\]]*\])? \([^)]*\) which doesn't match"
    wishes += [one["name"] for one in re.finditer(pattern, text)]
    return name in map(_name_of, wishes)


def _search(patterns: Iterable[str], text: str) -> re.Match[str] | None:
    return next(filter(None, (re.search(pattern, text) for pattern in patterns)), None)


def _explain_conflict(text: str) -> str | None:
    """Return which two requirements exclude each other, and whose they are."""
    text = _CONCLUSION.sub("", text)
    for pattern, form in _OTHER_FORMS:
        text = pattern.sub(form, text)
    facts = [(found["who"], found["wish"]) for found in _FROM.finditer(text)]
    for found in _DEPENDS.finditer(text):
        facts += [(found["who"], wish) for wish in (found["wish"], found["other"]) if wish]
    # A person can change what the project requires, so that is said first.
    facts = sorted(dict.fromkeys(facts), key=lambda fact: fact[0] not in (*_PERSONS, "you"))
    for (who, wish), (other, needed) in itertools.combinations(facts, 2):
        if _name_of(wish) == _name_of(needed) != "python" and _exclude_each_other(wish, needed):
            one, two = (_CURLY.sub("", word) for word in (wish, needed))
            if _name_person(who) == _name_person(other):
                return f"{_tell(who)} both {one} and {two}: one of them has to go"
            return f"{_tell(who)} {one}, but {_tell(other)} {two}"
    return None


def _tell(who: str) -> str:
    person = _name_person(who)
    return f"{person} require{'' if person == 'you' else 's'}"


def _name_person(who: str) -> str:
    package, _, group = who.partition(":")
    if group:
        return f"the group {group} of {package}"
    return _PERSONS.get(who, who.replace("@", "=="))


def _exclude_each_other(one: str, two: str) -> bool:
    """Is there no version that both requirements allow? False where that is not known."""
    try:
        both = SpecifierSet(",".join(_find_clauses(one) + _find_clauses(two)))
    except InvalidSpecifier:
        return False
    ends = [re.sub(r"\.\*$", "", clause.version) for clause in both]
    near = [f"{end}{tail}" for end in ends for tail in ("", ".0.0.0.1", ".99999")]
    return not any(both.contains(version, prereleases=True) for version in ["0", *near, "99999"])


def _find_clauses(requirement: str) -> list[str]:
    return re.findall(_CLAUSE, _CURLY.sub("", requirement).rstrip("."))


def _name_of(requirement: str) -> str:
    found = re.match(_NAME, requirement)
    return canonicalize_name(found["name"]) if found else requirement


def list_known(lock_names: Iterable[str], store: Path) -> set[str]:
    """Return the names that somebody here has used before: those of a lock, and of the store."""
    try:
        stored = [name for name in os.listdir(store) if not name.startswith(".")]
    except OSError:
        stored = []
    return {*lock_names, *stored}
