"""A picture of which package requires which: a tree, with further requirements as thin lines."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from pyx_launcher.progress import count_packages, format_size
from pyx_launcher.reports.drawing import SCHEMA, draw_page, draw_picture
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pyx_launcher.reports.drawing import Spec
    from pyx_launcher.reports.graph import Graph

_ROOT = "*"
"""What stands for the whole; no package is named so."""

_ROW, _GAP, _LETTER = 22, 70, 6.1
"""Pixels: from one package to the next below, for lines between columns, a letter of a label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphFacts:
    """What is to be drawn."""

    name: str
    """The project, script or named environment."""
    graph: Graph
    roots: Sequence[str]
    sizes: Mapping[str, int]
    """Bytes, by the names of packages."""
    is_inverted: bool
    """Do the edges lead to what requires a package?"""


def draw_graph(about: GraphFacts, python: Path) -> str:
    """Return the picture as an SVG document.

    Raises UnavailableError where the library in `python` does not do it.
    """
    return draw_picture(_describe(about), python)


def draw_graph_page(about: GraphFacts, python: Path) -> str:
    """Return it as a page that shows more of what is pointed at. Raises as `draw_graph`."""
    asked = " and ".join(about.roots)
    title = f"What {about.name} requires"
    hint = "orange to what it requires, blue to what requires it"
    if about.is_inverted:
        title = f"What requires {asked} in {about.name}"
        hint = "orange to what requires it, blue to what it requires"
    body = (
        f"<h1>{html.escape(title)}</h1>\n"
        f"<p>{count_packages(len(about.graph))}, {format_size(sum(about.sizes.values()))}."
        " Each package has one place in the tree; dashed lines are its other requirements. Point"
        f" at a package to see its own lines: {hint}.</p>\n"
        '<div id="graph" class="chart"></div>'
    )
    return draw_page(title, body, {"graph": _describe(about)}, python)


def _describe(about: GraphFacts) -> Spec:
    graph, roots, sizes = about.graph, about.roots, about.sizes
    parents = _place(graph, roots)
    depths: dict[str, int] = {}
    for one, parent in parents.items():
        depths[one] = depths.get(parent, 0) + 1
    leaves = len(parents.keys() - parents.values())
    more = [
        {"source": node.name, "target": edge.name}
        for node in graph.values()
        for edge in node.requires
        if node.name in parents and parents.get(edge.name) != node.name
    ]
    nodes: list[dict[str, Any]] = [
        {"id": _ROOT, "label": about.name, "tip": about.name, "bytes": 0}
    ]
    for one, parent in parents.items():
        size = sizes.get(one, 0)
        label = f"{one} {graph[one].version}"
        wishes = ", ".join(f"{edge.name}{edge.specifier}" for edge in graph[one].requires)
        way = "required by" if about.is_inverted else "requires"
        tip = {"package": label, "size": format_size(size), way: wishes or "nothing"}
        nodes.append({"id": one, "parent": parent, "label": label, "tip": tip, "bytes": size})
    column = _GAP + _LETTER * max(len(node["label"]) for node in nodes)
    return _make_spec(
        nodes, more, column=column, columns=max(depths.values(), default=1), rows=leaves
    )


def _place(graph: Graph, roots: Sequence[str]) -> dict[str, str]:
    """Return each package with the one that it hangs from.

    That is the farthest from the root, so that every line leads to the right, but in a circle.
    """
    order: list[str] = []
    seen: set[str] = set()
    waiting: list[tuple[str, bool]] = [(name, False) for name in roots]
    while waiting:
        name, is_done = waiting.pop()
        if is_done:
            order.append(name)
        elif name not in seen:
            seen.add(name)
            waiting.append((name, True))
            waiting += [(edge.name, False) for edge in graph[name].requires]
    order.reverse()
    at = {name: number for number, name in enumerate(order)}
    parents, depths = dict.fromkeys(order, _ROOT), dict.fromkeys(order, 1)
    for name in order:
        for edge in graph[name].requires:
            if at[edge.name] > at[name] and depths[edge.name] <= depths[name]:
                parents[edge.name], depths[edge.name] = name, depths[name] + 1
    return parents


def _make_spec(
    nodes: Sequence[Mapping[str, Any]],
    more: Sequence[Mapping[str, str]],
    *,
    column: float,
    columns: int,
    rows: int,
) -> Spec:
    line = {
        "type": "linkpath",
        "orient": "horizontal",
        "shape": "diagonal",
        "sourceX": "source.end",
    }
    stroke = [
        {"test": "hovered && datum.source.id === hovered", "value": "#e45756"},
        {"test": "hovered && datum.target.id === hovered", "value": "#4c78a8"},
        {"value": "#bbb"},
    ]
    touched = "hovered && (datum.source.id === hovered || datum.target.id === hovered)"

    def draw_lines(data: str, dash: Sequence[int], opacity: float) -> Mapping[str, Any]:
        return {
            "type": "path",
            "interactive": False,
            "from": {"data": data},
            "encode": {
                "enter": {"strokeDash": {"value": dash}},
                "update": {
                    "path": {"field": "path"},
                    "stroke": stroke,
                    "strokeWidth": [{"test": touched, "value": 2}, {"value": 1}],
                    "opacity": [{"test": touched, "value": 1}, {"value": opacity}],
                },
            },
        }

    def write(*, halo: bool) -> Mapping[str, Any]:
        ink = {"stroke": {"value": "#fff"}, "strokeWidth": {"value": 4}} if halo else {}
        place = {
            "x": {"field": "x", "offset": 10},
            "y": {"field": "y"},
            "text": {"field": "label"},
            "baseline": {"value": "middle"},
            "fontSize": {"value": 12},
            "fill": {"value": "#fff" if halo else "#222"},
        }
        tip = {} if halo else {"tooltip": {"field": "tip"}}
        return {
            "type": "text",
            "name": "halos" if halo else "labels",
            "interactive": not halo,
            "from": {"data": "tree"},
            "encode": {"enter": {**place, **ink, **tip}},
        }

    return {
        "$schema": SCHEMA,
        "width": column * columns,
        "height": _ROW * max(rows, 1),
        "padding": {"left": 10, "right": column - _GAP, "top": 15, "bottom": 15},
        "background": "#fff",
        "signals": [
            {
                "name": "hovered",
                "value": None,
                "on": [
                    {"events": "@dots:pointerover, @labels:pointerover", "update": "datum.id"},
                    {"events": "@dots:pointerout, @labels:pointerout", "update": "null"},
                ],
            }
        ],
        "data": [
            {
                "name": "tree",
                "values": nodes,
                "transform": [
                    {"type": "stratify", "key": "id", "parentKey": "parent"},
                    {
                        "type": "tree",
                        "method": "tidy",
                        "separation": False,
                        "size": [{"signal": "height"}, {"signal": "width"}],
                        "as": ["y", "x", "depth", "children"],
                    },
                    {
                        # Lines begin behind the label.
                        "type": "formula",
                        "as": "end",
                        "expr": f"datum.x + 16 + {_LETTER} * length(datum.label)",
                    },
                ],
            },
            {"name": "lines", "source": "tree", "transform": [{"type": "treelinks"}, line]},
            {
                "name": "more",
                "values": more,
                "transform": [
                    {
                        "type": "lookup",
                        "from": "tree",
                        "key": "id",
                        "fields": ["source", "target"],
                        "as": ["source", "target"],
                    },
                    line,
                ],
            },
        ],
        "scales": [
            {
                "name": "area",
                "type": "sqrt",
                "domain": {"data": "tree", "field": "bytes"},
                "zero": True,
                "range": [25, 200],
            }
        ],
        "marks": [
            draw_lines("more", [3, 3], 0.5),
            draw_lines("lines", [], 1),
            write(halo=True),
            {
                "type": "symbol",
                "name": "dots",
                "from": {"data": "tree"},
                "encode": {
                    "enter": {
                        "x": {"field": "x"},
                        "y": {"field": "y"},
                        "size": {"scale": "area", "field": "bytes"},
                        "fill": {"value": "#4c78a8"},
                        "stroke": {"value": "#fff"},
                        "tooltip": {"field": "tip"},
                    }
                },
            },
            write(halo=False),
        ],
    }
