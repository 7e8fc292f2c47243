#!/bin/sh
# hatch 1.18.2: with its defaults a `locked` environment gets its lock, and can then neither be made nor run.
#
# Expected: `locked = true` makes `hatch env lock` write a pylock.toml and `hatch run` install from it.
# Seen: the lock is written, by `pip lock`, and the same command then fails, as does every `hatch run` in that environment:
# the locker cannot install. Its message names the way out, `installer = "uv"`. Without the line the project had worked.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check hatch==1.18.2 pip==26.3 2>/dev/null
export HATCH_DATA_DIR="$ground/data" HATCH_CACHE_DIR="$ground/cache" HATCH_CONFIG="$ground/config.toml" NO_COLOR=1 COLUMNS=300
touch config.toml

mkdir -p project && cd project
cat >pyproject.toml <<'TOML'
[project]
name = "example"
version = "1"
[tool.hatch.envs.default]
skip-install = true
locked = true
dependencies = ["six==1.17.0"]
TOML
ask() {
    if ../env/bin/hatch "$@" >log 2>&1; then status=works; else status="fails"; fi
    echo "$1 $2 $status: $(grep -o 'Applying lockfiles with the pip locker is not yet supported' log | head -n 1)"
}
{
    ask env lock default
    echo "locked by: $(sed -n 's/created-by = "\(.*\)"/\1/p' pylock.toml)"
    ask run python -c 'import six'
} >../seen
cd ..
cat seen
diff - seen <<'TEXT'
env lock fails: Applying lockfiles with the pip locker is not yet supported
locked by: pip
run python fails: Applying lockfiles with the pip locker is not yet supported
TEXT
