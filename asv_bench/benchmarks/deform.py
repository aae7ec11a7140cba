"""Deformable convolution: sizes of a detection backbone (800 x 1333 pixels), cut to a strip."""

import numpy as np

import fastconv

from .common import array, compute

SHAPES = {
    "128@50x84": ((1, 128, 50, 84), (128, 128, 3, 3)),
    "256@25x42": ((1, 256, 25, 42), (256, 256, 3, 3)),
}


def offsets(components, outs, seed=3):
    """Smooth shifts of up to about three samples."""
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 2 * np.pi, (1, components, *(1,) * len(outs)))
    ramp = np.add.reduce(np.indices(outs), axis=0) / 10
    return (3 * np.sin(ramp + phase)).astype(np.float32)


class Detection:
    """deform_conv2d with and without a mask, against the plain layer of the same shape."""

    params = (tuple(SHAPES), (False, True))
    param_names = ("layer", "masked")

    def setup(self, layer, masked):
        shape, filters = SHAPES[layer]
        self.x, self.w = array(shape), array(filters, seed=1)
        outs = shape[2:]
        self.offset = offsets(18, outs)
        self.mask = np.abs(array((1, 9, *outs), seed=2)) if masked else None
        self.out = compute(self.call)

    def call(self, out=None):
        return fastconv.deform_conv2d(
            self.x, self.offset, self.w, mask=self.mask, padding=1, out=out
        )

    def time_deform_conv2d(self, layer, masked):
        self.call(out=self.out)

    def time_plain(self, layer, masked):
        fastconv.conv2d(self.x, self.w, padding=1, out=self.out)


class OtherRanks:
    """deform_conv1d and deform_conv3d."""

    params = ("deform_conv1d", "deform_conv3d")
    param_names = ("function",)

    def setup(self, function):
        rank = int(function[-2])
        outs = (4096,) if rank == 1 else (8, 20, 20)
        x, w = array((1, 32, *outs)), array((32, 32, *(3,) * rank), seed=1)
        offset = offsets(rank * 3**rank, outs)
        call = getattr(fastconv, function)
        self.call = lambda out=None: call(x, offset, w, padding=1, out=out)
        self.out = compute(self.call)

    def time_call(self, function):
        self.call(out=self.out)
