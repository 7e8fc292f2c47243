#!/bin/sh
# uv 0.13.9: a marker `python_version in "3.9, 3.12"` is dropped without a word, and the package goes everywhere.
#
# Expected: `in` means the same to uv as to pip: the left text lies in the right one. The comma list is common in old
# metadata. (packaging answers False for 3.10, True for 3.9 and 3.12.)
# Seen: uv keeps a list that is separated by blanks, as version comparisons. One with commas or other marks vanishes from
# the lock, `in` and `not in` alike, so six would be installed on 3.10 too. For a variable that is no version, such as
# platform_machine, the same list is kept.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check uv==0.13.9 packaging==26.2 2>/dev/null
export UV_CACHE_DIR="$ground/cache" UV_NO_CONFIG=1

ask() {
    cat >pyproject.toml <<TOML
[project]
name = "example"
version = "1"
requires-python = ">=3.9"
dependencies = ["six==1.17.0; $1"]
TOML
    rm -f uv.lock
    env/bin/uv lock --quiet --python env/bin/python
    marker=$(sed -n '/^dependencies/,/^]/s/.*name = "six", marker = "\(.*\)".*/\1/p' uv.lock)
    pip=$(env/bin/python -c 'import sys; from packaging.markers import Marker
print(Marker(sys.argv[1]).evaluate({"python_version": "3.10"}))' "$1")
    echo "$1 -> ${marker:-none}; with pip on 3.10: $pip"
}
{
    ask "python_version in '3.9 3.12'"
    ask "python_version in '3.9, 3.12'"
    ask "python_version not in '3.10, 3.11'"
    ask "platform_machine in 'own, other'"
} >seen
cat seen
diff - seen <<'TEXT'
python_version in '3.9 3.12' -> python_full_version < '3.10' or python_full_version == '3.12.*'; with pip on 3.10: False
python_version in '3.9, 3.12' -> none; with pip on 3.10: False
python_version not in '3.10, 3.11' -> none; with pip on 3.10: False
platform_machine in 'own, other' -> platform_machine in 'own, other'; with pip on 3.10: False
TEXT
