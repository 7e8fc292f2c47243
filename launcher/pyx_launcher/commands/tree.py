"""``pyx tree``: which distribution requires which, or by whom one is required."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pyx_launcher.cli.invocation import repeat_start
from pyx_launcher.commands._arguments import check_words
from pyx_launcher.commands._format import Branch, format_json, format_tree
from pyx_launcher.commands._output import name_picture, write_text
from pyx_launcher.commands._target import explain_left_out, name_start, require_lock, take_script
from pyx_launcher.console import write_out
from pyx_launcher.errors import UnavailableError, UsageError
from pyx_launcher.launch import decide, fetch_all
from pyx_launcher.progress import count_packages
from pyx_launcher.reports.graph import build_graph, find_roots, invert_graph

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.reports.graph import DependencyEdge, Graph
    from pyx_launcher.reports.graph_picture import GraphFacts
    from pyx_launcher.start.plan import Plan


def run_tree(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Print the tree on stdout. What is not in the store yet is fetched: its metadata tells."""
    check_words(invocation, 0, at_most=1)
    words = invocation.words
    hint = f"`pyx tree --invert {shlex.quote(words[0])}` shows one package" if words else ""
    plan = decide(take_script(invocation, words, hint), environ)
    require_lock(plan)
    entries = fetch_all(plan, environ).entries
    graph = build_graph(entries, plan.found.interpreter)
    inverted, chosen = (invocation.settings.get(name) for name in ("--invert", "--package"))
    if inverted and chosen:
        start = repeat_start(invocation)
        raise UsageError(
            "--invert and --package cannot be used together",
            hint=shlex.join([*start, "tree", *words, "--invert", inverted[0]]),
        )
    graph = invert_graph(graph) if inverted else graph
    named = inverted or chosen
    asked = "--invert" if inverted else "--package"
    roots = [_find_name(one, graph, plan, asked) for one in named] if named else find_roots(graph)
    picture = invocation.settings.get("--graph")
    if picture:
        from pyx_launcher.reports.graph_picture import GraphFacts

        facts = GraphFacts(
            name=name_start(plan),
            graph=graph,
            roots=roots,
            sizes={str(canonicalize_name(one.facts.name)): one.facts.size for one in entries},
            is_inverted=inverted is not None,
        )
        write_out(_draw(facts, plan, picture[-1], environ))
    elif "--json" in invocation.settings:
        write_out(format_json(_tell(graph, roots, inverted is not None)))
    else:
        write_out(format_tree(_grow(graph, roots)))
    return 0


def _draw(facts: GraphFacts, plan: Plan, word: str, environ: Mapping[str, str]) -> str:
    """Write the picture, and return what to tell of it."""
    from pyx_launcher.reports.graph_picture import draw_graph, draw_graph_page
    from pyx_launcher.resolve.tools import make_toolbox

    into = name_picture(word, (".svg", ".html"), "pyx tree --graph tree.svg")
    toolbox = make_toolbox(environ, offline=plan.invocation.offline)
    draw = draw_graph_page if word.endswith(".html") else draw_graph
    write_text(into, word, draw(facts, toolbox.find_python_with("vega")))
    return f"{into}: {count_packages(len(facts.graph))}\n"


def _find_name(name: str, graph: Graph, plan: Plan, option: str) -> str:
    """Return the normalised `name`, which `option` was given. Raises UnavailableError."""
    found = canonicalize_name(name)
    if found not in graph:
        hint = explain_left_out(name, plan, "tree", option, name)
        problem = "a start has no package" if hint else "the lock has no package"
        raise UnavailableError(f"{problem} {name}", hint=hint or "pyx list")
    return found


def _tell(graph: Graph, roots: Sequence[str], inverted: bool) -> dict[str, object]:  # noqa: FBT001 -- private
    key = "required-by" if inverted else "requires"
    return {
        "roots": roots,
        "distributions": [
            {
                "name": node.name,
                "version": node.version,
                key: [
                    {"name": e.name, "specifier": e.specifier, "extras": [*e.extras]}
                    for e in node.requires
                ],
            }
            for node in graph.values()
        ],
    }


def _grow(graph: Graph, roots: Sequence[str]) -> list[Branch]:
    """Return the tree; what was shown with its branches once is shown without them again."""
    shown: set[str] = set()

    def grow(name: str, edge: DependencyEdge | None) -> Branch:
        node = graph[name]
        extras = f"[{','.join(edge.extras)}]" if edge and edge.extras else ""
        label = f"{name}{extras} {node.version}"
        if edge and edge.specifier:
            label += f" ({edge.specifier})"
        if name in shown:
            return Branch(label=f"{label} …" if node.requires else label)
        shown.add(name)
        return Branch(label=label, branches=tuple(grow(e.name, e) for e in node.requires))

    return [grow(name, None) for name in roots]
