#!/bin/sh
# opencv-python-headless 5.0.0.93: `cv2.data.haarcascades` is still there, the cascades are not, and nothing loads them.
#
# Expected: what the tutorials on face detection show, `cv2.CascadeClassifier(cv2.data.haarcascades + "….xml")`.
# Seen: the module of the data and its variable are in the wheel, while no cascade is, and the class has gone from cv2.
# A program that asks whether this OpenCV knows its data by looking for the variable is told yes.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check opencv-python-headless==5.0.0.93 2>/dev/null

env/bin/python - >seen <<'PYTHON'
from pathlib import Path

import cv2

print("cv2.data.haarcascades:", hasattr(cv2.data, "haarcascades"))
print("cascades:", len(list(Path(cv2.data.haarcascades).glob("*.xml"))))
print("cv2.CascadeClassifier:", hasattr(cv2, "CascadeClassifier"))
PYTHON
cat seen
diff - seen <<'TEXT'
cv2.data.haarcascades: True
cascades: 0
cv2.CascadeClassifier: False
TEXT
