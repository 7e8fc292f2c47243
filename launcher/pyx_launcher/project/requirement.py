"""A requirement as somebody types it (PEP 508), and what is meant where it is none."""

from __future__ import annotations

import os
import re
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pyx_launcher.errors import UsageError
from pyx_launcher.locks.poetry.constraints import parse_alternative

if TYPE_CHECKING:
    from collections.abc import Iterable

_CONSTRAINED = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][\w.-]*(?:\[[^]]*\])?)\s*"
    r"(?:@\s*(?=[~^<>=!]|(?:\d[\d.]*\.)?\*)|(?=[~^][^=]))(?P<constraint>.+)"
)
"""What has a constraint of Poetry's: one behind ``@``, or one that PEP 508 does not know."""


def parse_requirement(text: str, *, by_poetry: bool = False) -> Requirement:
    """Return the requirement that `text` is (PEP 508). Raises UsageError.

    With `by_poetry` it may have a constraint as Poetry writes them, such as ``tick@^2``.
    """
    constraint = read_constraint(text)
    if constraint is not None:
        if by_poetry:
            return Requirement(constraint)
        raise UsageError(
            f"{text!r} has a constraint that only Poetry understands",
            hint=f"did you mean {quote(constraint)}?",
        )
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        problem = str(error).partition("\n")[0]
        if re.search(r"[=<>!~]\s*$", text):
            problem = "the version is missing"
        raise UsageError(
            f"{text!r} is not a valid requirement: {problem}", hint=_guess_requirement(text)
        ) from error
    version = requirement.url or ""
    if version == "latest" or re.fullmatch(r"v?\d[\w.]*", version):
        wanted = text.partition("@")[0].rstrip()
        wanted += "" if version == "latest" else f"=={version.removeprefix('v')}"
        problem = f"{version} is not a URL, and a version follows =="
        hint = f"did you mean {wanted}?"
        if version == "latest":
            upgrade = f"`pyx lock --upgrade {requirement.name}`"
            hint = f"{hint[:-1]}, or {upgrade} for what is locked already?"
        raise UsageError(f"{text!r}: {problem}", hint=hint)
    return requirement


def read_constraint(text: str) -> str | None:
    """Return what a requirement with a constraint of Poetry's is by PEP 508; None for any other."""
    found = _CONSTRAINED.fullmatch(text)
    if found is None:
        return None
    try:
        versions = parse_alternative(found["constraint"].strip())
    except ValueError:
        return None
    return f"{found['name']}{_order(map(str, versions))}"


def format_requirement(requirement: Requirement) -> str:
    """Return a requirement as a person would write it."""
    text = str(requirement)
    if not requirement.specifier:
        return text
    return text.replace(str(requirement.specifier), format_specifier(requirement), 1)


def format_specifier(requirement: Requirement) -> str:
    """Return the versions of a requirement, upper bounds behind the others; empty for any."""
    return _order(map(str, requirement.specifier))


def _order(clauses: Iterable[str]) -> str:
    return ",".join(order_clauses(clauses))


def order_clauses(clauses: Iterable[str]) -> list[str]:
    """Return the clauses of a specifier as a person writes them, upper bounds behind the others."""
    return sorted(clauses, key=lambda clause: ("><!".find(clause[0]), clause))


def _guess_name(url: str) -> str:
    """Return which package is probably meant by a URL that is typed without its name."""
    egg = re.search(r"[#&]egg=([A-Za-z0-9][\w.-]*)", url)
    last = re.split("[?#]", url, maxsplit=1)[0].rstrip("/").rpartition("/")[2]
    pattern = r"([A-Za-z0-9][\w.]*)-\d.*\.whl|([A-Za-z0-9][\w.-]*)-\d.*\.(?:zip|tar\.gz|tgz)"
    if url.startswith("git+"):
        pattern = r"([A-Za-z0-9][\w.-]*?)(?:\.git)?(?:@.*)?"
    found = egg or re.fullmatch(pattern, last)
    name = next(filter(None, found.groups()), "") if found else ""
    return canonicalize_name(name) or "NAME"


def name_url(text: str) -> str:
    """Return the requirement that a URL alone, as pip takes it, most likely stands for."""
    url = re.sub(r"#egg=[\w.-]+\Z", "", text)
    return f"{_guess_name(text)} @ {url}"


def _guess_requirement(text: str) -> str:
    """Return what may be meant by a text that is none: another operator, a path or a URL."""
    if re.fullmatch(r"[\w.-]+=[\w.*]+", text):
        return f"did you mean {text.replace('=', '==')}?"
    if "://" in text:
        return f"did you mean {quote(name_url(text))}?"
    if text.startswith((".", "/", "~")):
        return f"did you mean 'NAME @ {Path(os.path.expanduser(text)).absolute().as_uri()}'?"
    return "such as click, 'click>=8,<9', 'click[extra]' or 'click @ https://example.org/…'"
