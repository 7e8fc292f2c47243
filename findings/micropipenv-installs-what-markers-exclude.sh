#!/bin/sh
# micropipenv 1.10.0: the markers of a poetry.lock of version 2.1 are not read.
#
# Expected: `micropipenv requirements` writes each package with the marker under which Poetry would install it.
# Seen: Poetry 2 keeps the marker in the package's own table, as `markers`. micropipenv looks for it where older locks had
# it, and so six, which is for Windows, goes everywhere. An optional group counts among the development packages. Of a
# project that states its requirements by `[project]` it reads nothing at all, and says that a category is missing.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check 'micropipenv[toml]==1.10.0' 2>/dev/null

# What Poetry 2.5.1 writes for the two projects below, with a hash that is of no file.
cat >poetry.lock <<'TOML'
[[package]]
name = "markupsafe"
version = "3.0.2"
description = "Safely add untrusted strings to HTML/XML markup."
optional = false
python-versions = ">=3.9"
groups = ["docs"]
files = [
    {file = "markupsafe-3.0.2.tar.gz", hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000"},
]

[[package]]
name = "six"
version = "1.17.0"
description = "Python 2 and 3 compatibility utilities"
optional = false
python-versions = "!=3.0.*,!=3.1.*,!=3.2.*,>=2.7"
groups = ["main"]
markers = "sys_platform == \"win32\""
files = [
    {file = "six-1.17.0.tar.gz", hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000"},
]

[metadata]
lock-version = "2.1"
python-versions = ">=3.10"
content-hash = "0000000000000000000000000000000000000000000000000000000000000000"
TOML
cat >pyproject.toml <<'TOML'
[tool.poetry]
package-mode = false
[tool.poetry.dependencies]
python = ">=3.10"
six = { version = "1.17.0", markers = "sys_platform == 'win32'" }
[tool.poetry.group.docs]
optional = true
[tool.poetry.group.docs.dependencies]
markupsafe = "3.0.2"
TOML
env/bin/micropipenv requirements --method poetry --no-hashes --no-indexes --no-comments >seen
cat >pyproject.toml <<'TOML'
[project]
name = "example"
version = "1"
requires-python = ">=3.10"
dependencies = ["six (==1.17.0) ; sys_platform == 'win32'"]
[dependency-groups]
docs = ["markupsafe (==3.0.2)"]
[tool.poetry]
package-mode = false
TOML
env/bin/micropipenv requirements --method poetry --no-hashes --no-indexes --no-comments >>seen 2>&1 || true
cat seen
diff - seen <<'TEXT'
six==1.17.0
markupsafe==3.0.2
Failed to find package category for: markupsafe
TEXT
