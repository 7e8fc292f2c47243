"""Draw charts with Vega: one as SVG, or any number in a page that needs nothing else.

Runs in a python that has vl-convert-python, and is never imported by the launcher. Input, on
stdin, as JSON: ``{"svg": SPEC}``, or ``{"title": TEXT, "body": HTML, "charts": {ID: SPEC}}``, where
the body has an element of each ID, and SPEC is a specification of Vega's. Output, on stdout: the
document. Standard library and vl-convert-python alone.
"""

from __future__ import annotations

import html
import json
import sys
from typing import Any

import vl_convert

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff;
  margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p, summary { color: #444; } .chart { overflow-x: auto; }
.facts { display: flex; flex-wrap: wrap; gap: .8rem; padding: 0; }
.facts li { list-style: none; border: 1px solid #ddd; border-radius: .4rem; padding: .5rem 1rem; }
.facts b { display: block; font-size: 1.3rem; color: #222; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15rem 1.2rem .15rem 0; }
td.number, th.number { text-align: right; } tr + tr td { border-top: 1px solid #eee; }
code { background: #f3f3f3; padding: .1rem .3rem; border-radius: .2rem; }
"""

# The page may run its own scripts, among which Vega compiles expressions, and load nothing at all.
POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'"

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="generator" content="pyx">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
<script>{library}</script>
<script>
const charts = {charts};
const options = {{ renderer: "svg", actions: false }};
Promise.all(Object.entries(charts).map(([id, spec]) => vegaEmbed("#" + id, spec, options)))
  .then(() => {{ document.body.dataset.drawn = "yes"; }});
</script>
</body>
</html>
"""


def main() -> None:
    """Read the description on stdin and print the document."""
    wanted: dict[str, Any] = json.load(sys.stdin)
    if "svg" in wanted:
        sys.stdout.write(vl_convert.vega_to_svg(wanted["svg"]) + "\n")
        return
    page = PAGE.format(
        policy=POLICY,
        title=html.escape(wanted["title"]),
        style=STYLE,
        body=wanted["body"],
        library=vl_convert.javascript_bundle(),
        # What stands in a script must not end it.
        charts=json.dumps(wanted["charts"]).replace("<", "\\u003c"),
    )
    sys.stdout.write(page)


if __name__ == "__main__":
    main()
