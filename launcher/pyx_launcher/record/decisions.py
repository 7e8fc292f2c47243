"""What was decided before, known again by what its inputs contain.

A launch record knows the files that it was decided from by their times, so that none holds after a
`git switch` or a new checkout in the same place, though every file may be as it once was. Beside it
lie the last decisions for the same kind of start, with the digests of those files. One of them is
taken, without a lock being read, where each file is the same as then or has the same content, and
what was made of it is still there.

    PYX_CACHE_DIR/decisions/KEY     a JSON file; KEY is the name of the launch record
"""

from __future__ import annotations

import binascii
import contextlib
import json
import os
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyx_launcher
from pyx_launcher.console import debug
from pyx_launcher.errors import PyxError
from pyx_launcher.files.atomic import write_atomic
from pyx_launcher.files.hashing import sha256
from pyx_launcher.files.ownership import check_closed, open_obeyed
from pyx_launcher.record.checks import (
    Check,
    Kind,
    check_absences,
    check_file,
    check_script,
    find_difference,
)
from pyx_launcher.record.record import (
    LaunchRecord,
    decode_record,
    encode_record,
    find_change,
    find_record,
    read_private,
    write_record,
)
from pyx_launcher.values import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pyx_launcher.dirs import Dirs

MOST = 4
"""How many decisions are kept for one kind of start, the latest first."""
LARGEST = 4 << 20
"""Bytes of a file whose content is compared; few locks are larger."""

_UNREADABLE = (
    *(PyxError, ValueError, TypeError, KeyError, AttributeError, IndexError, struct.error),
    RecursionError,
)
"""What bytes can lead to that this version has not written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """What was made of a decision, and must still be there."""

    environment: Path
    sizes: Mapping[str, int]
    """Of the files in the environment that pyx wrote, in bytes."""
    guards: tuple[Path, ...]
    """What must be there of it and of its entries, and nobody else's to change."""
    entries: int
    """How many it has."""
    lock: str
    """The lock as `pyx sync` names it; empty if there was none."""
    version: str
    """The interpreter's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """A launch record with the content of what it was decided from."""

    record: LaunchRecord
    digests: tuple[str, ...]
    """For each check the SHA-256 in hex of a file whose content is enough, else nothing."""
    product: Product


def recall(dirs: Dirs, material: bytes) -> Decision | None:
    """Return the decision for `material` that holds now, None where it has to be made anew.

    Its record is written, so that the next such start finds it at once.
    """
    since = time.time()
    place = find_record(dirs.records, material)
    for decision in _read_decisions(dirs.decisions / place.name):
        checks = _renew_checks(decision) if decision.record.material == material else None
        if checks is None or not _is_there(decision.product):
            continue
        record = replace(decision.record, checks=checks)
        if read_private(place) != encode_record(record):
            try:
                reason = write_record(place, record, inputs=checks, since=since)
            except OSError as error:
                reason = f"{error.filename}: {error.strerror}"
            if reason:
                debug(f"no launch record: {reason}")
        debug(f"{decision.product.environment} (as decided before)")
        return replace(decision, record=record)
    return None


def keep(place: Path, record: LaunchRecord, product: Product, *, read: Collection[bytes]) -> None:
    """Keep in `place` what was just decided; `read` are the paths whose content is enough.

    Raises OSError where it cannot be written.
    """
    digests = tuple(
        _digest(check) if check.path in read and check.kind is Kind.FILE else ""
        for check in record.checks
    )
    if any(
        find_difference(check)
        for check, digest in zip(record.checks, digests, strict=True)
        if digest
    ):
        return
    decision = Decision(record=record, digests=digests, product=product)
    former = [d for d in _read_decisions(place) if d.digests != digests]
    kept = [_encode(each) for each in (decision, *former[: MOST - 1])]
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps({"pyx": pyx_launcher.__version__, "decisions": kept})
    write_atomic(place, text.encode("ascii"))


def drop_decisions(dirs: Dirs) -> None:
    """Remove the files of which no environment is there any more. Raises OSError."""
    try:
        places = [Path(found.path) for found in os.scandir(dirs.decisions)]
    except OSError:
        return
    for place in places:
        if not any(decision.product.environment.exists() for decision in _read_decisions(place)):
            place.unlink(missing_ok=True)


def _renew_checks(decision: Decision) -> tuple[Check, ...] | None:
    """Return the checks as they are true now, None where one is about something else."""
    checks: list[Check] = []
    absent: list[Path] = []
    for check, digest in zip(decision.record.checks, decision.digests, strict=True):
        if check.kind is Kind.DIRECTORY:
            continue
        if find_difference(check) is None:
            if check.kind is Kind.ABSENT:
                absent.append(Path(os.fsdecode(check.path)))
            elif check.kind is Kind.SCRIPT:
                checks.append(check_script(Path(os.fsdecode(check.path)), check.block))
            else:
                checks.append(check)
            continue
        path = Path(os.fsdecode(check.path))
        renewed = check_file(path)
        is_same = digest and renewed.kind is Kind.FILE and renewed.size == check.size
        if not is_same or _digest(renewed) != digest:
            return None
        checks.append(renewed)
    # What has come to be there since the loop above is seen when the record is written.
    return (*checks, *check_absences(absent))


def _digest(check: Check) -> str:
    """Return the digest of a file; empty for one that is too large, or not the user's or root's."""
    if check.size > LARGEST:
        return ""
    try:
        handle = open_obeyed(Path(os.fsdecode(check.path)), frozenset({0, os.geteuid()}))
        with open(handle, "rb") as file:
            return sha256(file.read()).hexdigest()
    except (OSError, PyxError):
        return ""


def _is_there(product: Product) -> bool:
    """Is the environment whole and its python able to start, and all nobody else's to change?"""
    path = product.environment
    try:
        for place in product.guards:
            check_closed(place)
        launch = decode_record((path / "launch").read_bytes())
        is_whole = all(
            os.stat(f"{path}/{name}").st_size == size for name, size in product.sizes.items()
        )
    except (OSError, PyxError, ValueError, IndexError, struct.error):
        return False
    # What has changed of the environment's own record, a slow start mends or refuses.
    if launch is None or find_change(launch) or not all(map(os.path.exists, product.guards)):
        return False
    with contextlib.suppress(OSError):
        # So that its last use can be told.
        os.utime(path / "environment.json")
    return is_whole


def _encode(decision: Decision) -> dict[str, object]:
    product = decision.product
    return {
        "record": binascii.b2a_base64(encode_record(decision.record), newline=False).decode(
            "ascii"
        ),
        "digests": decision.digests,
        "environment": str(product.environment),
        "sizes": dict(product.sizes),
        "guards": [str(place) for place in product.guards],
        "entries": product.entries,
        "lock": product.lock,
        "version": product.version,
    }


def _read_decisions(place: Path) -> list[Decision]:
    """Return what `place` has; nothing where somebody else could have written it."""
    try:
        check_closed(place.parent)
        data = read_private(place)
        told = json.loads(data) if data is not None else {}
        if told.get("pyx") != pyx_launcher.__version__:
            return []
        return [_decode(each) for each in told["decisions"]]
    except _UNREADABLE:
        return []


def _decode(told: Mapping[str, Any]) -> Decision:
    """Return what `_encode` was given. Raises ValueError, TypeError or KeyError."""
    record = decode_record(binascii.a2b_base64(told["record"]))
    digests = tuple(map(str, told["digests"]))
    if record is None or len(digests) != len(record.checks):
        raise ValueError
    product = Product(
        environment=Path(told["environment"]),
        sizes=dict(told["sizes"]),
        guards=tuple(map(Path, told["guards"])),
        entries=int(told["entries"]),
        lock=str(told["lock"]),
        version=str(told["version"]),
    )
    return Decision(record=record, digests=digests, product=product)
