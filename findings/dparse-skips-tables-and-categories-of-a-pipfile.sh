#!/bin/sh
# dparse 0.6.4: of a Pipfile the entries with more than a version are skipped, and so are all categories.
#
# Expected: every package of a Pipfile is listed, as of a requirements file.
# Seen: one that is written as a table, because it has extras, a marker or an index, is not; neither is what lies outside
# of packages and dev-packages, though Pipenv has categories. Of a pyproject.toml the dependency groups are left out. What
# looks for known faults in this list looks at too few packages, without a word.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check dparse==0.6.4 tomli==2.2.1 2>/dev/null

cat >Pipfile <<'TOML'
[packages]
six = "==1.17.0"
click = { version = "==8.1.8", markers = "python_version >= '3.8'" }
requests = { version = "==2.32.5", extras = ["socks"] }
[dev-packages]
pyflakes = "==3.2.0"
[docs]
markupsafe = "==3.0.2"
TOML
cat >pyproject.toml <<'TOML'
[project]
name = "example"
version = "1"
dependencies = ["six==1.17.0"]
[dependency-groups]
dev = ["pyflakes==3.2.0"]
TOML
env/bin/python - >seen <<'PYTHON'
from pathlib import Path

import dparse

for name in ("Pipfile", "pyproject.toml"):
    found = dparse.parse(Path(name).read_text(encoding="utf-8"), path=name).dependencies
    print(f"{name}:", *(f"{one.name}{one.specs}" for one in found))
PYTHON
cat seen
diff - seen <<'TEXT'
Pipfile: six==1.17.0 pyflakes==3.2.0
pyproject.toml: six==1.17.0
TEXT
