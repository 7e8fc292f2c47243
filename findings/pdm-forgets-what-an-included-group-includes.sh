#!/bin/sh
# PDM 2.26.2: from a lock that does not inherit metadata, what an included group includes in turn is not installed.
#
# Expected: the group `outer` includes `middle`, which includes `inner` (PEP 735), so `sync -G outer` installs what all
# three list, whatever strategy the lock was made with. `pdm lock` has put all of it into the lock.
# Seen: with `no_inherit_metadata` six, of the innermost group, is left out, without a word; by default it is there.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check \
    pdm==2.26.2 unearth==0.17.5 hishel==0.1.5 2>/dev/null
export HOME="$ground" PDM_CHECK_UPDATE=0 PDM_IGNORE_SAVED_PYTHON=1
"${PYTHON:-python3}" -m venv --without-pip empty
export VIRTUAL_ENV="$ground/empty"
mkdir example
cd example
cat >pyproject.toml <<'TOML'
[project]
name = "example"
version = "1"
requires-python = ">=3.10"
dependencies = []
[dependency-groups]
inner = ["six==1.17.0"]
middle = [{ include-group = "inner" }, "iniconfig==2.1.0"]
outer = [{ include-group = "middle" }, "typing-extensions==4.15.0"]
[tool.pdm]
distribution = false
TOML
for strategy in inherit_metadata no_inherit_metadata; do
    rm -f pdm.lock
    ../env/bin/pdm lock -q -G:all -S "$strategy" >/dev/null 2>&1
    echo "$strategy: locked $(grep -c '^name = ' pdm.lock);" \
        "$(../env/bin/pdm sync --dry-run -G outer 2>/dev/null | sed -n 's/^ *- \([a-z-]*\) .*/\1/p' | sort | paste -sd ' ' -)"
done >seen
cat seen
diff - seen <<'TEXT'
inherit_metadata: locked 3; iniconfig six typing-extensions
no_inherit_metadata: locked 3; iniconfig typing-extensions
TEXT
