"""A page about the store: what takes the room, who shares what, what a collection would free."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Any

from pyx_launcher.progress import format_size
from pyx_launcher.reports.drawing import SCHEMA, draw_page
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pyx_launcher.reports.drawing import Spec
    from pyx_launcher.reports.store_users import StoreUser

SHARED, SINGLE, UNUSED, GOES = "shared", "used once", "not used now", "would be deleted"
_COLOURS = {SHARED: "#4c78a8", SINGLE: "#9ecae9", UNUSED: "#bab0ac", GOES: "#f58518"}

_LONGEST = 50
"""Characters of a label in a chart."""

_MOST = 30
"""Users and shared packages that a chart has; the largest, where there are more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreFacts:
    """What the page is made of. Sizes are in bytes, entries are name, version and build."""

    place: Path
    sizes: Mapping[tuple[str, ...], int]
    """Of every entry."""
    other_sizes: Mapping[str, int]
    """Of what lies beside the store: the environments, the cache."""
    users: Sequence[StoreUser]
    days: float
    """What was not used within so many days goes with a collection."""
    gone_entries: frozenset[tuple[str, ...]]
    gone_environments: frozenset[Path]
    problem: str | None = None
    """Why no collection can be planned."""


def draw_store(facts: StoreFacts, python: Path) -> str:
    """Return the page. Raises UnavailableError where the library in `python` does not do it."""
    owners: dict[tuple[str, ...], list[str]] = {}
    for user in facts.users:
        for entry in user.entries & facts.sizes.keys():
            owners.setdefault(entry, []).append(user.label)
    shared = {entry for entry, labels in owners.items() if len(set(labels)) > 1}
    charts: dict[str, Spec] = {}
    parts = [f"<h1>The store {escape(str(facts.place))}</h1>", _tell_sizes(facts, shared)]
    if facts.sizes:
        parts.append(
            "<h2>What takes the room</h2>\n<p>Each rectangle is one build of a package, as large"
            " as what lies unpacked. Point at one to see who uses it.</p>"
            '<div id="room" class="chart"></div>'
        )
        charts["room"] = _make_treemap(facts, owners, shared)
    if facts.users:
        parts.append(
            "<h2>Who uses how much</h2>\n<p>What is shared lies in the store once, however many"
            ' use it.</p><div id="users" class="chart"></div>'
        )
        charts["users"] = _make_bars(facts, shared)
    parts.append("<h2>Which projects share what</h2>")
    if shared:
        parts.append('<div id="shared" class="chart"></div>')
        charts["shared"] = _make_matrix(facts, shared)
    else:
        parts.append("<p>No package is used by more than one project.</p>")
    parts += [_tell_collection(facts), _tell_entries(facts, owners)]
    return draw_page("pyx: the store", "\n".join(parts), charts, python)


def _tell_sizes(facts: StoreFacts, shared: Iterable[tuple[str, ...]]) -> str:
    names = {name for name, *_ in facts.sizes}
    numbers = {
        "packages unpacked": format_size(sum(facts.sizes.values())),
        **{name: format_size(size) for name, size in facts.other_sizes.items()},
        "packages": str(len(names)),
        "builds": str(len(facts.sizes)),
        "builds that are shared": str(len({*shared})),
        "would be freed": format_size(sum(facts.sizes[one] for one in facts.gone_entries)),
    }
    items = (f"<li><b>{escape(value)}</b>{escape(name)}</li>" for name, value in numbers.items())
    made = time.strftime("%Y-%m-%d %H:%M")
    return f'<ul class="facts">{"".join(items)}</ul>\n<p>As it was on {made}.</p>'


def _tell_collection(facts: StoreFacts) -> str:
    days = f"{facts.days:g} {'day' if facts.days == 1 else 'days'}"
    head = "<h2>What <code>pyx store gc</code> would free</h2>"
    if facts.problem is not None:
        return f"{head}\n<p>{escape(facts.problem)}</p>"
    if not facts.gone_entries and not facts.gone_environments:
        return f"{head}\n<p>Nothing: all of it was used within {days}.</p>"
    freed = format_size(sum(facts.sizes[one] for one in facts.gone_entries))
    command = f"pyx store gc --keep {facts.days:g}"
    rows = [
        (user.label, time.strftime("%Y-%m-%d", time.localtime(user.last)), len(user.entries))
        for user in facts.users
        if user.environment in facts.gone_environments
    ]
    text = (
        f"{head}\n<p>{freed}: {len(facts.gone_entries)} builds and"
        f" {len(facts.gone_environments)} environments that were not used within {days}."
        f" Type <code>{command}</code> to delete them; a start that needs one of them later fetches"
        " it again.</p>"
    )
    if rows:
        text += _make_table(("environment of", "last used", "packages"), rows)
    return text


def _tell_entries(facts: StoreFacts, owners: Mapping[tuple[str, ...], Sequence[str]]) -> str:
    rows = [
        (*entry, format_size(size), ", ".join(sorted({*owners.get(entry, ())})) or "nobody")
        for entry, size in sorted(facts.sizes.items(), key=lambda item: -item[1])
    ]
    table = _make_table(("package", "version", "build", "size", "used by"), rows)
    return f"<h2>All of it</h2>\n<details><summary>{len(rows)} builds</summary>{table}</details>"


def _make_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    def make_row(cells: Sequence[object], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(make_row(row, "td") for row in rows)
    return f"<table>{make_row(head, 'th')}{body}</table>"


def _judge(
    entry: tuple[str, ...],
    facts: StoreFacts,
    owners: Mapping[tuple[str, ...], object],
    shared: set[tuple[str, ...]],
) -> str:
    if entry in facts.gone_entries:
        return GOES
    if entry in shared:
        return SHARED
    return SINGLE if entry in owners else UNUSED


def _make_treemap(
    facts: StoreFacts,
    owners: Mapping[tuple[str, ...], Sequence[str]],
    shared: set[tuple[str, ...]],
) -> Spec:
    nodes: list[dict[str, Any]] = [{"id": "/"}]
    nodes += [{"id": name, "parent": "/"} for name in sorted({name for name, *_ in facts.sizes})]
    for entry, size in facts.sizes.items():
        name, version, build = entry
        users = sorted({*owners.get(entry, ())})
        tip = {
            "package": f"{name} {version}",
            "build": build,
            "size": format_size(size),
            "used by": ", ".join(users) or "nobody",
        }
        nodes.append(
            {
                "id": "/".join(entry),
                "parent": name,
                "bytes": size,
                "label": [f"{name} {version}", format_size(size)],
                "state": _judge(entry, facts, owners, shared),
                "tip": tip,
            }
        )
    box = {"x": "x0", "y": "y0", "x2": "x1", "y2": "y1"}
    edges = {key: {"field": value} for key, value in box.items()}
    return {
        "$schema": SCHEMA,
        "width": 1050,
        "height": 480,
        "background": "#fff",
        "data": [
            {
                "name": "tree",
                "values": nodes,
                "transform": [
                    {"type": "stratify", "key": "id", "parentKey": "parent"},
                    {
                        "type": "treemap",
                        "field": "bytes",
                        "sort": {"field": "value", "order": "descending"},
                        "paddingInner": 1,
                        "size": [{"signal": "width"}, {"signal": "height"}],
                    },
                    {"type": "filter", "expr": "datum.tip"},
                ],
            }
        ],
        "scales": [_COLOUR_SCALE],
        "legends": [_LEGEND],
        "marks": [
            {
                "type": "rect",
                "from": {"data": "tree"},
                "encode": {
                    "enter": {
                        **edges,
                        "fill": {"scale": "colour", "field": "state"},
                        "stroke": {"value": "#fff"},
                        "tooltip": {"field": "tip"},
                    }
                },
            },
            {
                "type": "text",
                "interactive": False,
                "from": {"data": "tree"},
                "encode": {
                    "enter": {
                        "x": {"field": "x0", "offset": 5},
                        "y": {"field": "y0", "offset": 14},
                        "text": {"field": "label"},
                        "limit": {"signal": "datum.x1 - datum.x0 - 8"},
                        "fontSize": {"value": 11},
                        "fill": {"signal": f"datum.state === '{SHARED}' ? '#fff' : '#222'"},
                        "opacity": {
                            "signal": "datum.y1 - datum.y0 > 32 && datum.x1 - datum.x0 > 45 ? 1 : 0"
                        },
                    }
                },
            },
        ],
    }


_COLOUR_SCALE = {
    "name": "colour",
    "type": "ordinal",
    "domain": [*_COLOURS],
    "range": [*_COLOURS.values()],
}
_LEGEND = {"fill": "colour", "orient": "top", "direction": "horizontal", "symbolType": "square"}


def _list_largest(facts: StoreFacts) -> list[StoreUser]:
    """Return the users that need most room, one for each label."""

    def measure(user: StoreUser) -> int:
        return sum(facts.sizes.get(entry, 0) for entry in user.entries)

    largest: dict[str, StoreUser] = {}
    for user in sorted(facts.users, key=measure, reverse=True):
        largest.setdefault(user.label, user)
    return [*largest.values()][:_MOST]


def _shorten_labels(users: Iterable[StoreUser]) -> dict[str, str]:
    """Return what a chart has room for, for each label: the end of a path, if that is clear."""
    labels = {user.label for user in users}
    short = {one: one if len(one) <= _LONGEST else f"…{one[1 - _LONGEST :]}" for one in labels}
    clear = len({*short.values()}) == len(short)
    return short if clear else {one: one for one in labels}


def _make_bars(facts: StoreFacts, shared: set[tuple[str, ...]]) -> Spec:
    values = []
    largest = _list_largest(facts)
    labels = _shorten_labels(largest)
    for user in largest:
        for kind, entries in ((SHARED, user.entries & shared), (SINGLE, user.entries - shared)):
            size = sum(facts.sizes.get(entry, 0) for entry in entries)
            tip = {"user": user.label, kind: format_size(size), "packages": len(entries)}
            label = labels[user.label]
            values.append({"user": label, "kind": kind, "bytes": size, "tip": tip})
    users = [*dict.fromkeys(value["user"] for value in values)]
    return {
        "$schema": SCHEMA,
        "width": 650,
        "height": 24 * len(users),
        "background": "#fff",
        "data": [
            {
                "name": "bars",
                "values": values,
                "transform": [{"type": "stack", "groupby": ["user"], "field": "bytes"}],
            }
        ],
        "scales": [
            {
                "name": "x",
                "type": "linear",
                "domain": {"data": "bars", "field": "y1"},
                "range": "width",
                "nice": True,
            },
            {"name": "y", "type": "band", "domain": users, "range": "height", "padding": 0.2},
            {**_COLOUR_SCALE, "domain": [SHARED, SINGLE]},
        ],
        "axes": [
            {
                "orient": "bottom",
                "scale": "x",
                "grid": True,
                "tickCount": 8,
                "encode": {
                    "labels": {
                        "update": {"text": {"signal": "format(datum.value / 1e6, ',') + ' MB'"}}
                    }
                },
            },
            {"orient": "left", "scale": "y", "labelLimit": 500},
        ],
        "legends": [_LEGEND],
        "marks": [
            {
                "type": "rect",
                "from": {"data": "bars"},
                "encode": {
                    "enter": {
                        "y": {"scale": "y", "field": "user"},
                        "height": {"scale": "y", "band": 1},
                        "x": {"scale": "x", "field": "y0"},
                        "x2": {"scale": "x", "field": "y1"},
                        "fill": {"scale": "colour", "field": "kind"},
                        "tooltip": {"field": "tip"},
                    }
                },
            }
        ],
    }


def _make_matrix(facts: StoreFacts, shared: set[tuple[str, ...]]) -> Spec:
    users = _list_largest(facts)
    names = _shorten_labels(users)
    largest = sorted(shared, key=lambda entry: -facts.sizes[entry])[:_MOST]
    labels = {one: f"{one[0]} {one[1]}, {format_size(facts.sizes[one])}" for one in largest}
    values = [
        {
            "user": names[user.label],
            "package": labels[entry],
            "tip": f"{user.label}: {labels[entry]}",
        }
        for user in users
        for entry in largest
        if entry in user.entries
    ]
    rows = [*dict.fromkeys(labels.values())]
    columns = [names[user.label] for user in users if user.entries.intersection(largest)]
    return {
        "$schema": SCHEMA,
        "width": 28 * len(columns),
        "height": 20 * len(rows),
        "background": "#fff",
        "data": [{"name": "cells", "values": values}],
        "scales": [
            {"name": "x", "type": "band", "domain": columns, "range": "width", "padding": 0.1},
            {"name": "y", "type": "band", "domain": rows, "range": "height", "padding": 0.1},
        ],
        "axes": [
            {
                "orient": "top",
                "scale": "x",
                "labelAngle": -40,
                "labelAlign": "left",
                "labelLimit": 500,
            },
            {"orient": "left", "scale": "y", "labelLimit": 350},
        ],
        "marks": [
            {
                "type": "rect",
                "from": {"data": "cells"},
                "encode": {
                    "enter": {
                        "x": {"scale": "x", "field": "user"},
                        "width": {"scale": "x", "band": 1},
                        "y": {"scale": "y", "field": "package"},
                        "height": {"scale": "y", "band": 1},
                        "fill": {"value": _COLOURS[SHARED]},
                        "tooltip": {"field": "tip"},
                    }
                },
            }
        ],
    }
