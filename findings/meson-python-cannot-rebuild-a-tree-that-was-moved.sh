#!/bin/sh
# meson-python 0.18.0: an editable that was moved to another directory cannot be installed again.
#
# Expected: a project directory may be renamed, and `pip install --editable` run once more, as with other backends.
# Seen: for an editable meson-python keeps its build directory, build/cpXY, in the tree. In it stands the old place of
# the tree, and the build looks for a file there. A wheel that is no editable can still be built. Remove build/ after a
# move; a copy of a tree should leave it out.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check pip==26.3 meson-python==0.18.0 meson==1.9.1 ninja==1.13.0 2>/dev/null
PATH="$ground/env/bin:$PATH"

mkdir first
cat >first/pyproject.toml <<'TOML'
[build-system]
requires = ["meson-python"]
build-backend = "mesonpy"
[project]
name = "own"
version = "1"
TOML
cat >first/meson.build <<'MESON'
project('own', version: '1')
py = import('python').find_installation(pure: true)
py.install_sources('own.py')
MESON
echo 'VALUE = 1' >first/own.py
try() {
    what=$1
    shift
    if env/bin/pip install --quiet --no-build-isolation --disable-pip-version-check "$@" >log 2>&1; then
        echo "$what: installed"
    else
        grep -q "No such file or directory: .*/first/build/cp" log || cat log >&2
        echo "$what: refused"
    fi
}
{
    try "an editable" --editable ./first
    mv first second
    try "the same, moved" --editable ./second
    try "no editable, moved" --target there ./second
    rm -r second/build
    try "moved, without build/" --editable ./second
} >seen
cat seen
diff - seen <<'TEXT'
an editable: installed
the same, moved: refused
no editable, moved: installed
moved, without build/: installed
TEXT
