"""Layers of 3 and 5 taps: minimal filtering against direct sums, as calls and as plans."""

import numpy as np

import fastconv

from .common import FLOATS, Layer, array

RIVALS = ("auto", "winograd", "implicit")
LAYERS = {
    "3x3 64@56": ((1, 64, 56, 56), (64, 64, 3, 3), {"padding": 1}),
    "3x3 128@28": ((1, 128, 28, 28), (128, 128, 3, 3), {"padding": 1}),
    "3x3 256@14": ((1, 256, 14, 14), (256, 256, 3, 3), {"padding": 1}),
    "3x3 96@57x43": ((1, 96, 57, 43), (96, 96, 3, 3), {"padding": 1}),
    "3x3 128@28 dilated": ((1, 128, 28, 28), (128, 128, 3, 3), {"padding": 2, "dilation": 2}),
    "5x5 32-96@28": ((1, 32, 28, 28), (96, 32, 5, 5), {"padding": 2}),
}
VOLUMES = {"3x3x3 32-64 8@28": ((1, 32, 8, 28, 28), (64, 32, 3, 3, 3), {"padding": 1})}
SIGNALS = {"3 128x4096": ((1, 128, 4096), (128, 128, 3), {"padding": 1})}


class Images(Layer, function="conv2d", layers=LAYERS, dtypes=FLOATS, backends=RIVALS):
    """conv2d: weights are transformed in the call."""


class Volumes(Layer, function="conv3d", layers=VOLUMES, backends=RIVALS):
    """conv3d."""


class Signals(Layer, function="conv1d", layers=SIGNALS, backends=RIVALS):
    """conv1d."""


class Plan:
    """plan, made and called, with each accuracy and layout."""

    params = (tuple(LAYERS), ("strict", "default", "relaxed"), ("channels_first", "channels_last"))
    param_names = ("layer", "accuracy", "layout")

    def setup(self, layer, accuracy, layout):
        shape, filters, keywords = LAYERS[layer]
        self.w, x = array(filters, seed=1), array(shape)
        self.x = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if layout == "channels_last" else x
        self.keywords = {**keywords, "accuracy": accuracy, "layout": layout}
        self.plan = fastconv.plan(self.w, input_shape=self.x.shape, **self.keywords)
        self.out = self.plan(self.x)

    def time_make(self, layer, accuracy, layout):
        fastconv.plan(self.w, input_shape=self.x.shape, **self.keywords)

    def time_call(self, layer, accuracy, layout):
        self.plan(self.x, out=self.out)
