"""What is to be computed, in integers only: Geometry (shapes) and Problem (geometry and types).

Both are frozen and hashable; selection, planning and the cost model see nothing else.  Every
convolution of the package is one of these: layers, transposed layers, and signal-style convolution,
whose broadcast axes become several batch, group or filter axes.
"""

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from . import _dtypes

# fc_pad_mode
PAD_CODES = {"fill": 0, "reflect": 1, "symm": 2, "replicate": 3, "circular": 4}


@dataclass(frozen=True)
class Axis:
    """One spatial axis.

    A convolution has ``out = floor((size * upsample + before + after - extent) / stride) + 1``, a
    transposed one gives its output length itself (``before`` then crops the full result).
    """

    size: int
    kernel: int
    out: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    mode: str = "fill"
    upsample: int = 1

    @property
    def extent(self):
        """Samples that the dilated kernel spans: ``(kernel - 1) * dilation + 1``."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def used(self):
        """Samples up to the last that a window covers.  A transform that takes later ones along would
        mix their rounding errors, or their NaN, into results they have no part in."""
        if self.mode != "fill":  # samples stand outside as well
            return self.size
        return max(1, min(self.size, (self.out - 1) * self.stride + self.extent - self.before))

    @cached_property
    def meets(self):
        """Of every tap: in how many windows it meets a sample rather than padding."""
        if self.mode != "fill" or self.upsample != 1:
            return (self.out,) * self.kernel
        starts = [k * self.dilation - self.before for k in range(self.kernel)]  # in the first window
        ends = [min(self.out, -((at - self.size) // self.stride)) for at in starts]
        return tuple(max(0, end - max(0, -(at // self.stride)))
                     for at, end in zip(starts, ends, strict=True))  # fmt: skip

    @cached_property
    def idle(self):
        """Indices of taps that meet padding alone, whatever window they are in."""
        return tuple(k for k, windows in enumerate(self.meets) if not windows)


@dataclass(frozen=True)
class Geometry:
    """Shapes of a grouped (transposed) cross-correlation.

    x is ``(*batch, *groups, channels, *sizes)``, the weights ``(*groups, *filters, channels,
    *kernels)``, the result ``(*batch, *groups, *filters, *outs)``.  ``flip`` is not here: a flipped
    filter is a view of the weights with negative steps.
    """

    batch: tuple
    groups: tuple
    channels: int
    filters: tuple
    axes: tuple
    transposed: bool = False
    fill: complex = 0
    spread: bool = False  # a transposed convolution written as one to more filters

    @property
    def channels_outermost(self):
        """Whether a group's weights lie channel by channel in the caller's memory."""
        return self.transposed or self.spread

    @cached_property
    def x_shape(self):
        return (*self.batch, *self.groups, self.channels, *(a.size for a in self.axes))

    @cached_property
    def w_shape(self):
        return (*self.groups, *self.filters, self.channels, *(a.kernel for a in self.axes))

    @cached_property
    def out_shape(self):
        return (*self.batch, *self.groups, *self.filters, *(a.out for a in self.axes))

    @cached_property
    def macs(self):
        """Multiply-adds, padding counted as work as usual."""
        taps = math.prod(a.kernel for a in self.axes)
        per_channel = math.prod(self.filters) * taps * self.channels
        where = math.prod((a.size if self.transposed else a.out) for a in self.axes)
        return math.prod(self.batch) * math.prod(self.groups) * per_channel * where

    @cached_property
    def has_zeros(self):
        """True if some window reaches positions outside the array that count as nothing."""
        if self.transposed:
            return True
        return self.fill == 0 and any(
            a.mode == "fill"
            and (a.before > 0 or (a.out - 1) * a.stride + a.extent - a.before > a.size * a.upsample)
            for a in self.axes
        )


@dataclass(frozen=True)
class Problem:
    """A Geometry with its number types: the key that plans are kept under."""

    geometry: Geometry
    dtype: np.dtype  # of the result
    activation: str | None = None
    has_bias: bool = False
    workspace_limit: int | None = None
    kind: str = "conv"  # "conv", or the name of another operation
    extra: tuple = field(default=())
    channels_last: bool = False  # how operands usually lie in memory; any steps are computed
    accuracy: str = "default"  # or "strict", "relaxed": how far rounding errors may go
    held: bool = False  # weights are prepared once, by a plan of the user's

    @cached_property
    def types(self):
        return _dtypes.describe(self.dtype)

    @cached_property
    def compute(self):
        """dtype that products are summed in."""
        return self.types.compute
