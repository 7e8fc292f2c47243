#!/bin/sh
# pip 26.3: `pip lock .` writes a lock that `pip install -r pylock.toml` refuses, since no directory has a hash.
#
# Expected: what `pip lock` writes for a project directory can be installed by the same pip.
# Seen: the lock names the project as a directory, as PEP 751 has it, beside wheels with hashes. pip then requires a
# hash of everything, and a directory cannot have one. An editable is refused likewise, with other words.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check pip==26.3 2>/dev/null

mkdir project
cat >project/pyproject.toml <<'TOML'
[build-system]
requires = ["flit_core==3.12.0"]
build-backend = "flit_core.buildapi"
[project]
name = "example"
version = "1"
description = "An example."
dependencies = ["six==1.17.0"]
TOML
touch project/example.py

cd project
../env/bin/pip lock --quiet --output plain.toml . 2>/dev/null
../env/bin/pip lock --quiet --output editable.toml --editable . 2>/dev/null
for name in plain editable; do
    mv "$name.toml" "pylock.$name.toml"
    if ../env/bin/pip install --dry-run -r "pylock.$name.toml" >log 2>&1; then
        echo "$name: installed"
    else
        echo "$name: $(grep -o 'ERROR: .*' log | sed 's,file:///[^ ]*,DIRECTORY,; s/:$//' | head -n 1)"
    fi
done >../seen
cd ..
cat seen
diff - seen <<'TEXT'
plain: ERROR: Can't verify hashes for these file:// requirements because they point to directories
editable: ERROR: The editable requirement DIRECTORY (from pylock.editable.toml) cannot be installed when requiring hashes, because there is no single file to hash.
TEXT
