"""An image is drawn, encoded and read again; its features are found and its edges traced."""

import cv2
import numpy

image = numpy.full((40, 60, 3), 200, dtype=numpy.uint8)
cv2.rectangle(image, (10, 10), (40, 30), (0, 0, 255), -1)
_, encoded = cv2.imencode(".png", image)
read = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
print(read.shape, int(image.sum()) == int(read.sum()))
print(len(cv2.ORB_create().detect(read)) > 0, int((cv2.Canny(read, 50, 150) > 0).sum()))
