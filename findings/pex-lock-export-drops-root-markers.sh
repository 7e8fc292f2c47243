#!/bin/sh
# pex 2.105.2: the PEP 751 export of a universal lock forgets the markers of what was asked for.
#
# Expected: `pex3 lock export --format pep-751` writes tomli with the marker under which it was asked for. (The export
# for pip leaves it out where the marker is false, so the lock knows.)
# Seen: tomli stands in the pylock.toml without a marker, so that every installer takes it everywhere. And versions lose
# their zeros at the end: 1.17 for a wheel called six-1.17.0.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check pex==2.105.2 tomli==2.2.1 2>/dev/null
export PEX_ROOT="$ground/pex"

env/bin/pex3 lock create --use-pip-config --pip-version 25.3 --style universal --interpreter-constraint '>=3.10' \
    'tomli==2.2.1; python_version < "3.11"' 'six==1.17.0' --output lock.json >log 2>&1 || { cat log; exit 1; }
env/bin/pex3 lock export --format pep-751 lock.json --output pylock.toml

env/bin/python - >seen <<'PYTHON'
import tomli

with open("pylock.toml", "rb") as file:
    packages = {package["name"]: package for package in tomli.load(file)["packages"]}
print("marker of tomli:", packages["tomli"].get("marker", "none"))
print("version of six:", packages["six"]["version"])
PYTHON
cat seen
diff - seen <<'TEXT'
marker of tomli: none
version of six: 1.17
TEXT
