"""A small model learns a line, on the processor."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy
import tensorflow

keras.utils.set_random_seed(1)
model = keras.Sequential([keras.layers.Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
x = numpy.arange(8.0).reshape(8, 1) / 8
model.fit(x, 2 * x + 1, epochs=60, verbose=0)
print(round(float(model.predict(numpy.array([[2.0]]), verbose=0)[0, 0])))
print(
    tensorflow.linalg.det(tensorflow.eye(3)).numpy(),
    len(tensorflow.config.list_physical_devices("CPU")),
)
