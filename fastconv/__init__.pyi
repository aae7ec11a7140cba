"""Types of the public names."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import kernels as kernels
from . import ndimage as ndimage
from . import signal as signal
from . import ufuncs as ufuncs
from . import wisdom as wisdom
from ._explain import Explanation as Explanation
from ._patch import Patch as Patch
from .backends.base import BackendNotSupportedError as BackendNotSupportedError
from .geometry import ConvCost as ConvCost
from .geometry import ReceptiveField as ReceptiveField
from .plans import ConvolvePlan as ConvolvePlan
from .plans import ConvPlan as ConvPlan
from .plans import DeformPlan as DeformPlan

__version__: str

class _AvgPool(Protocol):
    def __call__(
        self, x: ArrayLike, kernel_size: int | Sequence[int], *, stride: int | Sequence[int] = ...,
        padding: int | str | Sequence[int | tuple[int, int]] = ...,
        dilation: int | Sequence[int] = ..., ceil_mode: bool = ...,
        count_include_pad: bool = ..., divisor_override: int | None = ..., layout: str = ...,
        out: NDArray[Any] | None = ..., dtype: DTypeLike | None = ..., casting: str = ...,
        backend: str = ...
    ) -> NDArray[Any]: ...

avg_pool1d: _AvgPool
avg_pool2d: _AvgPool
avg_pool3d: _AvgPool
def backends() -> tuple[str, ...]: ...
def causal_conv1d(
    x: ArrayLike, w: ArrayLike, bias: ArrayLike | None = ..., *, state: ArrayLike | None = ...,
    activation: str | None = ..., out: NDArray[Any] | None = ..., dtype: DTypeLike | None = ...,
    casting: str = ..., backend: str = ...
) -> tuple[NDArray[Any], NDArray[Any]]: ...
class _Conv(Protocol):
    def __call__(
        self, x: ArrayLike, w: ArrayLike, bias: ArrayLike | None = ..., *,
        stride: int | Sequence[int] = ...,
        padding: int | str | Sequence[int | tuple[int, int]] = ...,
        dilation: int | Sequence[int] = ..., groups: int = ..., padding_mode: str = ...,
        flip: bool = ..., layout: str = ..., activation: str | None = ...,
        out: NDArray[Any] | None = ..., dtype: DTypeLike | None = ..., casting: str = ...,
        backend: str = ..., accuracy: str = ...
    ) -> NDArray[Any]: ...

conv: _Conv
conv1d: _Conv
conv2d: _Conv
conv3d: _Conv
def conv_cost(
    input_shape: Sequence[int], weight_shape: Sequence[int], *,
    stride: int | Sequence[int] = ...,
    padding: int | str | Sequence[int | tuple[int, int]] = ...,
    dilation: int | Sequence[int] = ..., groups: int = ..., padding_mode: str = ...,
    flip: bool = ..., layout: str = ..., activation: str | None = ..., bias: bool = ...,
    transposed: bool = ..., output_padding: int | Sequence[int] = ...,
    dtype: DTypeLike | None = ..., casting: str = ..., backend: str = ..., accuracy: str = ...
) -> ConvCost: ...
class _ConvTranspose(Protocol):
    def __call__(
        self, x: ArrayLike, w: ArrayLike, bias: ArrayLike | None = ..., *,
        stride: int | Sequence[int] = ...,
        padding: int | str | Sequence[int | tuple[int, int]] = ...,
        output_padding: int | Sequence[int] = ..., dilation: int | Sequence[int] = ...,
        groups: int = ..., flip: bool = ..., layout: str = ..., activation: str | None = ...,
        out: NDArray[Any] | None = ..., dtype: DTypeLike | None = ..., casting: str = ...,
        backend: str = ...
    ) -> NDArray[Any]: ...

conv_transpose1d: _ConvTranspose
conv_transpose2d: _ConvTranspose
conv_transpose3d: _ConvTranspose
class _Convolve(Protocol):
    def __call__(
        self, a: ArrayLike, v: ArrayLike, mode: str = ..., *, axes: int | Sequence[int] | None = ...,
        boundary: str = ..., fillvalue: complex = ..., out: NDArray[Any] | None = ...,
        dtype: DTypeLike | None = ..., casting: str = ..., backend: str = ...
    ) -> NDArray[Any]: ...

convolve: _Convolve
correlate: _Convolve
class _DeformConv(Protocol):
    def __call__(
        self, x: ArrayLike, offset: ArrayLike, w: ArrayLike, bias: ArrayLike | None = ..., *,
        mask: ArrayLike | None = ..., stride: int | Sequence[int] = ...,
        padding: int | str | Sequence[int | tuple[int, int]] = ...,
        dilation: int | Sequence[int] = ..., groups: int = ..., offset_groups: int | None = ...,
        layout: str = ..., activation: str | None = ..., out: NDArray[Any] | None = ...,
        dtype: DTypeLike | None = ..., casting: str = ..., backend: str = ...
    ) -> NDArray[Any]: ...

deform_conv1d: _DeformConv
deform_conv2d: _DeformConv
deform_conv3d: _DeformConv
class _DepthwiseConv(Protocol):
    def __call__(
        self, x: ArrayLike, w: ArrayLike, bias: ArrayLike | None = ..., *,
        stride: int | Sequence[int] = ...,
        padding: int | str | Sequence[int | tuple[int, int]] = ...,
        dilation: int | Sequence[int] = ..., padding_mode: str = ..., flip: bool = ...,
        layout: str = ..., activation: str | None = ..., out: NDArray[Any] | None = ...,
        dtype: DTypeLike | None = ..., casting: str = ..., backend: str = ...
    ) -> NDArray[Any]: ...

depthwise_conv1d: _DepthwiseConv
depthwise_conv2d: _DepthwiseConv
depthwise_conv3d: _DepthwiseConv
def explain(
    function: Any, *operands: Any, dtype: DTypeLike | None = ..., **keywords: Any
) -> Explanation: ...
def get_num_threads() -> int: ...
class _MaxPool(Protocol):
    def __call__(
        self, x: ArrayLike, kernel_size: int | Sequence[int], *, stride: int | Sequence[int] = ...,
        padding: int | str | Sequence[int | tuple[int, int]] = ...,
        dilation: int | Sequence[int] = ..., ceil_mode: bool = ..., layout: str = ...,
        out: NDArray[Any] | None = ..., dtype: DTypeLike | None = ..., casting: str = ...,
        backend: str = ...
    ) -> NDArray[Any]: ...

max_pool1d: _MaxPool
max_pool2d: _MaxPool
max_pool3d: _MaxPool
def num_threads(
    n: int
) -> AbstractContextManager[None]: ...
def output_shape(
    input_shape: Sequence[int], weight_shape: Sequence[int], *,
    stride: int | Sequence[int] = ...,
    padding: int | str | Sequence[int | tuple[int, int]] = ...,
    dilation: int | Sequence[int] = ..., groups: int = ..., padding_mode: str = ...,
    flip: bool = ..., layout: str = ..., activation: str | None = ...,
    dtype: DTypeLike | None = ..., casting: str = ..., backend: str = ..., accuracy: str = ...
) -> tuple[int, ...]: ...
def patch(*, signal: bool = ..., ndimage: bool = ..., numpy: bool = ...) -> Patch: ...
def plan(
    w: ArrayLike, bias: ArrayLike | None = ..., *, input_shape: Sequence[int],
    stride: int | Sequence[int] = ...,
    padding: int | str | Sequence[int | tuple[int, int]] = ...,
    dilation: int | Sequence[int] = ..., groups: int = ..., padding_mode: str = ...,
    flip: bool = ..., layout: str = ..., activation: str | None = ...,
    dtype: DTypeLike | None = ..., casting: str = ..., backend: str = ...,
    workspace_limit: int | None = ..., accuracy: str = ...
) -> ConvPlan: ...
def plan_convolve(
    v: ArrayLike, mode: str = ..., *, input_shape: Sequence[int],
    axes: int | Sequence[int] | None = ..., boundary: str = ..., fillvalue: complex = ...,
    correlate: bool = ..., dtype: DTypeLike | None = ..., casting: str = ...,
    backend: str = ..., workspace_limit: int | None = ...
) -> ConvolvePlan: ...
def plan_deform(
    w: ArrayLike, bias: ArrayLike | None = ..., *, input_shape: Sequence[int],
    offset_groups: int = ..., masked: bool = ..., stride: int | Sequence[int] = ...,
    padding: int | str | Sequence[int | tuple[int, int]] = ...,
    dilation: int | Sequence[int] = ..., groups: int = ..., layout: str = ...,
    activation: str | None = ..., dtype: DTypeLike | None = ..., casting: str = ...,
    backend: str = ..., workspace_limit: int | None = ...
) -> DeformPlan: ...
def plan_transpose(
    w: ArrayLike, bias: ArrayLike | None = ..., *, input_shape: Sequence[int],
    stride: int | Sequence[int] = ...,
    padding: int | str | Sequence[int | tuple[int, int]] = ...,
    output_padding: int | Sequence[int] = ..., dilation: int | Sequence[int] = ...,
    groups: int = ..., flip: bool = ..., layout: str = ..., activation: str | None = ...,
    dtype: DTypeLike | None = ..., casting: str = ..., backend: str = ...,
    workspace_limit: int | None = ...
) -> ConvPlan: ...
def pointwise_conv(
    x: ArrayLike, w: ArrayLike, bias: ArrayLike | None = ..., *,
    stride: int | Sequence[int] = ..., groups: int = ..., layout: str = ...,
    activation: str | None = ..., out: NDArray[Any] | None = ..., dtype: DTypeLike | None = ...,
    casting: str = ..., backend: str = ...
) -> NDArray[Any]: ...
def receptive_field(
    layers: Sequence[Any]
) -> ReceptiveField: ...
def resize_conv2d(
    x: ArrayLike, w: ArrayLike, bias: ArrayLike | None = ..., *, scale: int | Sequence[int],
    stride: int | Sequence[int] = ...,
    padding: int | str | Sequence[int | tuple[int, int]] = ...,
    dilation: int | Sequence[int] = ..., groups: int = ..., padding_mode: str = ...,
    flip: bool = ..., layout: str = ..., activation: str | None = ...,
    out: NDArray[Any] | None = ..., dtype: DTypeLike | None = ..., casting: str = ...,
    backend: str = ...
) -> NDArray[Any]: ...
class _SeparableConv(Protocol):
    def __call__(
        self, x: ArrayLike, w_depthwise: ArrayLike, w_pointwise: ArrayLike,
        bias: ArrayLike | None = ..., *, stride: int | Sequence[int] = ...,
        padding: int | str | Sequence[int | tuple[int, int]] = ...,
        dilation: int | Sequence[int] = ..., padding_mode: str = ..., flip: bool = ...,
        layout: str = ..., activation: str | None = ..., out: NDArray[Any] | None = ...,
        dtype: DTypeLike | None = ..., casting: str = ..., backend: str = ...
    ) -> NDArray[Any]: ...

separable_conv1d: _SeparableConv
separable_conv2d: _SeparableConv
separable_conv3d: _SeparableConv
def set_num_threads(
    n: int
) -> None: ...
def show_config(
    mode: str = ...
) -> dict[str, Any] | None: ...
class StreamingConvolver:
    latency: int
    block_size: int
    channels: int
    taps: int
    dtype: np.dtype[Any]
    partitions: tuple[tuple[int, int], ...]
    def __init__(
        self, h: ArrayLike, block_size: int, *, channels: int = ..., dtype: DTypeLike | None = ...,
        partition: str | Sequence[int] = ...
    ) -> None: ...
    def process(self, block: ArrayLike, out: NDArray[Any] | None = ...) -> NDArray[Any]: ...
    def flush(self) -> NDArray[Any]: ...
    def reset(self) -> None: ...
    def set_kernel(self, h: ArrayLike, *, fade: int = ...) -> None: ...

def transpose_output_shape(
    input_shape: Sequence[int], weight_shape: Sequence[int], *,
    stride: int | Sequence[int] = ...,
    padding: int | str | Sequence[int | tuple[int, int]] = ...,
    output_padding: int | Sequence[int] = ..., dilation: int | Sequence[int] = ...,
    groups: int = ..., flip: bool = ..., layout: str = ..., activation: str | None = ...,
    dtype: DTypeLike | None = ..., casting: str = ..., backend: str = ...
) -> tuple[int, ...]: ...
