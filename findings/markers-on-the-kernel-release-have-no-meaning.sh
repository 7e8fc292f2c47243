#!/bin/sh
# packaging 26.2 and dep-logic 0.7.2: whether a kernel is new enough depends on who is asked.
#
# Expected: `platform_release >= "5"` holds on the kernel 6.1.0-18-amd64 of Debian, and `< "5"` does not.
# Seen: the release of most kernels is no PEP 440 version. To packaging, and so to pip, both markers are then False (and
# `!=` too); dep-logic, and so PDM, compares texts, by which 10.0.1-generic lies before 5.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check packaging==26.2 dep-logic==0.7.2 2>/dev/null

env/bin/python - >seen <<'PYTHON'
from dep_logic.markers import parse_marker
from packaging.markers import Marker

for release in ("6.1.0-18-amd64", "10.0.1-generic"):
    for text in ('platform_release >= "5"', 'platform_release < "5"'):
        machine = {"platform_release": release}
        print(f"{release}, {text}: packaging {Marker(text).evaluate(machine)}, dep-logic {parse_marker(text).evaluate(machine)}")
PYTHON
cat seen
diff - seen <<'TEXT'
6.1.0-18-amd64, platform_release >= "5": packaging False, dep-logic True
6.1.0-18-amd64, platform_release < "5": packaging False, dep-logic False
10.0.1-generic, platform_release >= "5": packaging False, dep-logic False
10.0.1-generic, platform_release < "5": packaging False, dep-logic True
TEXT
