"""Plans: what preparing costs, and what a prepared call costs."""

import pickle

import numpy as np

import fastconv

from .common import array
from .deform import offsets

LAYERS = {
    "3x3 64@56": ((1, 64, 56, 56), (64, 64, 3, 3), {"padding": 1}),
    "3x3 512@7": ((1, 512, 7, 7), (512, 512, 3, 3), {"padding": 1}),
    "1x1 64-256@56": ((1, 64, 56, 56), (256, 64, 1, 1), {}),
    "depthwise 3x3 128@56": ((1, 128, 56, 56), (128, 1, 3, 3), {"padding": 1, "groups": 128}),
}


class Plan:
    """plan: made, and called with ``out=``, against the function call."""

    params = (tuple(LAYERS),)
    param_names = ("layer",)

    def setup(self, layer):
        shape, filters, self.keywords = LAYERS[layer]
        self.x, self.w = array(shape), array(filters, seed=1)
        self.plan = self.make()
        self.out = self.plan(self.x)

    def make(self):
        return fastconv.plan(self.w, input_shape=self.x.shape, **self.keywords)

    def time_make(self, layer):
        self.make()

    def time_call(self, layer):
        self.plan(self.x, out=self.out)

    def time_function(self, layer):
        fastconv.conv2d(self.x, self.w, out=self.out, **self.keywords)


class Threads:
    """One plan on one and two threads."""

    params = ((1, 2), ("3x3 64@56", "depthwise 3x3 128@56"))
    param_names = ("threads", "layer")

    def setup(self, threads, layer):
        shape, filters, keywords = LAYERS[layer]
        self.plan = fastconv.plan(array(filters, seed=1), input_shape=shape, **keywords)
        self.x, self.out = array(shape), np.empty(self.plan.output_shape, np.float32)

    def time_call(self, threads, layer):
        with fastconv.num_threads(threads):
            self.plan(self.x, out=self.out)


class OtherPlans:
    """plan_transpose, plan_deform and plan_convolve."""

    params = ("plan_transpose", "plan_deform", "plan_convolve")
    param_names = ("function",)

    def setup(self, function):
        make = getattr(fastconv, function)
        if function == "plan_transpose":
            shape = (1, 128, 64, 64)
            plan = make(array((128, 64, 4, 4), seed=1), input_shape=shape, stride=2, padding=1)
            operands = (array(shape),)
        elif function == "plan_deform":
            shape = (1, 128, 50, 84)
            plan = make(array((128, 128, 3, 3), seed=1), input_shape=shape, padding=1)
            operands = (array(shape), offsets(18, shape[2:]))
        else:
            shape = (100_000,)
            plan = make(array((63,), seed=1), "same", input_shape=shape)
            operands = (array(shape),)
        out = plan(*operands)
        self.call = lambda: plan(*operands, out=out)

    def time_call(self, function):
        self.call()


class Travel:
    """A plan on its way to another process."""

    def setup(self):
        shape, filters, keywords = LAYERS["3x3 64@56"]
        self.plan = fastconv.plan(array(filters), input_shape=shape, **keywords)
        self.bytes = pickle.dumps(self.plan)

    def time_dumps(self):
        pickle.dumps(self.plan)

    def time_loads(self):
        pickle.loads(self.bytes)
