#!/bin/sh
# distlib 0.4.4: some comparisons of versions in markers are comparisons of texts, and so come out the other way.
#
# Expected: distlib's interpreter of markers and packaging's agree on what PEP 508 calls a version comparison.
# Seen: `==` with a `.*` never matches, and `implementation_version` is compared letter by letter, by which 3.12 lies
# before 3.9. `python_version` with `<` and `>=` is right.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check distlib==0.4.4 packaging==26.2 2>/dev/null

env/bin/python - >seen <<'PYTHON'
from distlib.markers import interpret
from packaging.markers import Marker

machine = {"python_version": "3.12", "implementation_version": "3.12.1"}
for text in ('python_version >= "3.9"', 'python_version == "3.12.*"', 'implementation_version >= "3.9"'):
    print(f"{text}: packaging {Marker(text).evaluate(machine)}, distlib {interpret(text, machine)}")
PYTHON
cat seen
diff - seen <<'TEXT'
python_version >= "3.9": packaging True, distlib True
python_version == "3.12.*": packaging True, distlib False
implementation_version >= "3.9": packaging True, distlib False
TEXT
