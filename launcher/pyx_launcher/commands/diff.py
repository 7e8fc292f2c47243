"""``pyx diff``: what two locks mean for one interpreter, and where that is not the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from pyx_launcher.commands._arguments import check_words
from pyx_launcher.commands._format import format_json, format_table
from pyx_launcher.console import write_out
from pyx_launcher.launch import decide
from pyx_launcher.locks.common.filenames import are_same_version
from pyx_launcher.locks.common.hash_only import UnnamedFile
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.selection import Artifact
    from pyx_launcher.start.plan import Plan

_DIFFERENT = 1
"""The exit status where the locks differ, as that of diff(1)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One distribution that the two locks do not agree on."""

    name: str
    kind: str
    """`added`, `removed`, `upgraded`, `downgraded`, or `other file` for the same version."""
    old: str | None
    new: str | None


def run_diff(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Print a line for each change on stdout; return 1 if there is any, else 0."""
    check_words(invocation, 2)
    old, new = (_plan(word, invocation, environ) for word in invocation.words)
    changes = compare(old.selection.artifacts, new.selection.artifacts)
    facts = [
        {"name": change.name, "change": change.kind, "old": change.old, "new": change.new}
        for change in changes
    ]
    if "--json" in invocation.settings:
        write_out(format_json(facts))
    elif changes:
        columns = ("change", "name", "old", "new")
        write_out(format_table(columns, [[f[column] or "-" for column in columns] for f in facts]))
    return _DIFFERENT if changes else 0


def _plan(word: str, invocation: Invocation, environ: Mapping[str, str]) -> Plan:
    """Return what a start under the lock, the directory or the ``@name`` would get."""
    if word.startswith("@"):
        return decide(replace(invocation, named=word[1:], projects=()), environ)
    return decide(replace(invocation, named=None, projects=(str(Path(word)),)), environ)


def compare(old: tuple[Artifact, ...], new: tuple[Artifact, ...]) -> list[Difference]:
    """Return what has to change for `old` to become `new`, in the order of names."""
    before, after = ({artifact.name: artifact for artifact in side} for side in (old, new))
    changes = []
    for name in sorted({*before, *after}):
        kind = _classify(before.get(name), after.get(name))
        if kind:
            versions = [side[name].version if name in side else None for side in (before, after)]
            changes.append(Difference(name=name, kind=kind, old=versions[0], new=versions[1]))
    return changes


def _classify(old: Artifact | None, new: Artifact | None) -> str | None:
    if old is None or new is None:
        return "added" if old is None else "removed"
    if are_same_version(old.version, new.version):
        return None if _is_same(old, new) else "other file"
    try:
        rises = Version(old.version or "0") < Version(new.version or "0")
    except InvalidVersion:
        return "other file"
    return "upgraded" if rises else "downgraded"


def _is_same(old: Artifact, new: Artifact) -> bool:
    """Compare what the locks say of the content, as far as both say the same kind of thing."""
    hashes = [_read_hashes(artifact) for artifact in (old, new)]
    if not all(hashes):
        return (old.base, old.source) == (new.base, new.source)
    common = {kind for kind, _ in hashes[0]} & {kind for kind, _ in hashes[1]}
    # Some locks give the hashes of every file, of which one is chosen later.
    return not common or not hashes[0].isdisjoint(hashes[1])


def _read_hashes(artifact: Artifact) -> frozenset[tuple[str, str]]:
    source = artifact.source
    if isinstance(source, UnnamedFile):
        return frozenset(source.digests)
    hashes: Mapping[str, str] = getattr(source, "hashes", None) or {}
    return frozenset((kind, digest.lower()) for kind, digest in hashes.items())
