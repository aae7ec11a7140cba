"""Plans for users: weights prepared once, many calls.

A plan is immutable and safe to share between threads; it pickles as its arguments and its weights.
"""

import numpy as np

from . import _args, _dtypes, _run
from ._core import arrays
from ._explain import Explanation
from ._tune import TunePlan
from .functions import deform as _deform
from .functions import signal_style as _signal
from .geometry import shape_tuple as _shape


class BoundPlan:
    """What all plans share: facts about the problem, explanation, pickling.

    Attributes
    ----------
    backend : str
        The backend that was chosen.
    input_shape, output_shape : tuple of int
        Shapes that calls take and give.
    dtype : numpy.dtype
        Of the result.
    workspace_bytes : int
        Scratch memory that each thread of a call uses.
    macs : int
        Multiply-adds of a call.
    """

    def __init__(self, arguments, plan, input_shape, output_shape, casting, asked):
        self._arguments = arguments
        self._plan = plan
        self._casting = casting
        self._asked = asked
        self.input_shape = input_shape
        self.output_shape = output_shape
        self.dtype = plan.problem.dtype
        self.backend = plan.backend
        self.workspace_bytes = plan.workspace_bytes
        self.macs = plan.problem.geometry.macs

    def __setattr__(self, name, value):
        if self.__dict__.get("_frozen"):
            raise AttributeError(f"plans are immutable: cannot set {name}")
        self.__dict__[name] = value

    def __delattr__(self, name):
        raise AttributeError(f"plans are immutable: cannot delete {name}")

    def __reduce__(self):
        return _rebuild, (type(self), *self._arguments)

    def __repr__(self):
        return (f"<{type(self).__name__} {self.input_shape} -> {self.output_shape} {self.dtype}, "
                f"backend={self.backend!r}>")  # fmt: skip

    def explain(self):
        """Why this backend, and what the others would cost: an Explanation."""
        return Explanation(self._plan.problem, self._plan, self._asked)

    def _samples(self):
        """Made-up arguments of a call."""
        return (_sample(self.input_shape, self.dtype),)

    def _input(self, x, name, shape):
        """x as an array of the shape and a dtype that this plan takes."""
        if arrays.exactly(x, shape, self.dtype):
            return x
        x = _args.as_array(x, name)
        if x.shape != shape:
            raise ValueError(f"{name} has shape {x.shape}, this plan takes {shape}")
        if x.dtype != self.dtype and not _dtypes.can_cast(x.dtype, self.dtype, self._casting):
            raise TypeError(f"{name} has dtype {x.dtype}, which cannot be cast to {self.dtype} with "
                            f"casting={self._casting!r}")  # fmt: skip
        return x


def _rebuild(cls, *arguments):
    return cls(*arguments)


def _timed(backend, plan):
    """What a copy asks for: the backend that "tune" found for this plan, which is not timed again."""
    return plan.backend if backend == "tune" else backend


def _make(cls, *arguments):
    """A plan; for backend="tune" its candidates are timed on made-up samples first."""
    made = cls(*arguments)
    if isinstance(made._plan, TunePlan):
        made(*made._samples())
        made = cls(*arguments)
    return made


def _sample(shape, dtype):
    """An array of samples like those of life: of either sign where the dtype has one, not tiny."""
    values = np.arange(1, 98) % 13 - (0 if dtype.kind in "bu" else 6)
    return np.resize(values.astype(dtype), shape)


def _frozen(value):
    """A keyword as numbers and tuples of its own, which the caller cannot change any more."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def _frozen_spec(spec):
    return spec._replace(**{
        name: _frozen(getattr(spec, name))
        for name in ("stride", "padding", "dilation", "groups", "output_padding", "upsample")
    })  # fmt: skip


def _weights(w, bias, dtype, name="w"):
    """(w, bias) as arrays of the plan's own, which the caller cannot change any more."""
    w = _args.as_array(w, name).copy()
    bias = None if bias is None else _args.as_array(bias, "bias").copy()
    return w, bias, _args.result_dtype(dtype, "unsafe", **{name: w, "bias": bias})


class ConvPlan(BoundPlan):
    """A convolution or transposed convolution with its weights; made by ``plan``, ``plan_transpose``."""

    def __init__(self, spec, input_shape, w, bias):
        dtypes = {"x": np.empty(0, spec.dtype), "w": w, "bias": bias}
        d = _run.decide(spec, input_shape, w.shape, None if bias is None else bias.shape, dtypes, True)
        copied = spec._replace(backend=_timed(spec.backend, d.plan))
        super().__init__((copied, input_shape, w, bias), d.plan, input_shape, d.out_shape,
                         spec.casting, spec.backend)  # fmt: skip
        self._decision = d
        self._weights = d.plan.prepare(d.w_view(w), bias)
        d.plan.warm(self._weights)
        self._frozen = True

    def __call__(self, x, out=None):
        """Run on x; with ``out`` nothing is allocated."""
        x = self._input(x, "x", self.input_shape)
        if out is None:
            out = arrays.new(self.output_shape, self.dtype)
        else:
            _args.check_out(out, self.output_shape, self.dtype, self._casting)
        straight = self._plan.straight
        if straight and arrays.all_ready((x, out), self.dtype) and not arrays.overlaps(out, (x,)):
            straight(x, self._weights.w, self._weights.bias, out)
            return out
        return _run.execute(self._decision, x, self._weights, out, (x,))


class DeformPlan(BoundPlan):
    """A deformable convolution with its weights; made by ``plan_deform``."""

    def __init__(self, spec, input_shape, w, bias, offset_groups, masked):
        last = spec.layout == "channels_last"
        x, self._batched = _deform.batched(np.broadcast_to(np.zeros((), spec.dtype), input_shape),
                                           spec.rank, last)  # fmt: skip
        geometry, _ = _run.geometry_of(spec._replace(layout="channels_first"), x.shape, w.shape)
        outs = tuple(a.out for a in geometry.axes)
        taps = int(np.prod(w.shape[2:]))
        real = np.empty(0, _dtypes.describe(np.dtype(spec.dtype)).compute).real
        self.offset_shape = (x.shape[0], offset_groups * spec.rank * taps, *outs)
        self.mask_shape = (x.shape[0], offset_groups * taps, *outs) if masked else None
        dtypes = {"x": x, "offset": real, "w": w, "bias": bias, "mask": real if masked else None}
        d = _deform.decide(spec, x.shape, w.shape, None if bias is None else bias.shape,
                           self.offset_shape, self.mask_shape, offset_groups, dtypes)  # fmt: skip
        shape = d.out_shape if not last else (d.out_shape[0], *outs, d.out_shape[1])
        copied = spec._replace(backend=_timed(spec.backend, d.plan))
        super().__init__((copied, input_shape, w, bias, offset_groups, masked), d.plan, input_shape,
                         shape if self._batched else shape[1:], spec.casting, spec.backend)  # fmt: skip
        self._decision, self._rank, self._last = d, spec.rank, last
        self._weights = d.plan.prepare(w.reshape(d.plan.problem.geometry.w_shape), bias)
        self._frozen = True

    def __call__(self, x, offset, mask=None, out=None):
        """Run on x with these offsets (and this mask, if the plan was made with ``masked``)."""
        x = self._input(x, "x", self.input_shape)
        shapes = (self.offset_shape, self.mask_shape)
        if not self._batched:
            shapes = tuple(s and s[1:] for s in shapes)
        offset = self._real(offset, "offset", shapes[0])
        if (mask is None) != (self.mask_shape is None):
            raise TypeError("mask must be given exactly if the plan was made with masked=True")
        mask = None if mask is None else self._real(mask, "mask", shapes[1])
        x4, _ = _deform.batched(x, self._rank, self._last)
        offset4 = offset if self._batched else offset[None]
        mask4 = mask if mask is None or self._batched else mask[None]
        return _deform.finish(self._decision, x4, offset4, mask4, self._weights, out,
                              (x, offset, mask), self._batched, self._last, self._casting)  # fmt: skip


    def _samples(self):
        real = np.empty(0, _dtypes.describe(self.dtype).compute).real.dtype
        shapes = [s if self._batched else s[1:]
                  for s in (self.offset_shape, self.mask_shape) if s is not None]  # fmt: skip
        return (*super()._samples(), *(_sample(s, real) for s in shapes))

    def _real(self, value, name, shape):
        array = self._input(value, name, shape)
        if array.dtype.kind == "c":
            raise TypeError(f"{name} must be real, found dtype {array.dtype}")
        return array


class ConvolvePlan(BoundPlan):
    """A signal-style convolution with its filter; made by ``plan_convolve``."""

    def __init__(self, v, mode, input_shape, axes, boundary, fillvalue, correlate, dtype, casting,
                 backend, limit):  # fmt: skip
        a = np.broadcast_to(np.zeros((), dtype), input_shape)
        found, ndim, wanted, fill = _signal.spec_of(a, v, mode, axes, boundary, fillvalue, dtype,
                                                    casting, backend)  # fmt: skip
        if not found:
            raise ValueError("input_shape must have at least one axis, found ()")
        self._x_shape = (1,) * (ndim - a.ndim) + a.shape
        w = v.reshape((1,) * (ndim - v.ndim) + v.shape)
        roles, plan, shape, swapped = _signal._decide(self._x_shape, w.shape, found, mode, boundary,
                                                      fill, wanted, backend, limit, False)  # fmt: skip
        arguments = (v, mode, input_shape, axes, boundary, fillvalue, correlate, dtype, casting,
                     _timed(backend, plan), limit)  # fmt: skip
        super().__init__(arguments, plan, input_shape, shape, casting, backend)
        if correlate:
            w = _signal._reversed(np.conj(w) if w.dtype.kind == "c" else w, found)
        self._roles, self._swapped, self._axes = roles, swapped, found
        self._filter = w
        self._weights = None
        if not swapped:
            self._weights = plan.prepare(roles.w_view(_signal._reversed(w, found)), None)
            plan.warm(self._weights)
        self._frozen = True

    def __call__(self, a, out=None):
        """Convolve a with the plan's filter; with ``out`` nothing is allocated."""
        a = self._input(a, "a", self.input_shape)
        _args.check_out(out, self.output_shape, self.dtype, self._casting)
        result = out
        if out is None or _args.needs_temporary(out, self.dtype, (a,)):
            result = arrays.new(self.output_shape, self.dtype)
        x, weights = arrays.view(a, self._x_shape), self._weights
        if self._swapped:  # "valid" with a shorter a: a is the filter, v the samples
            weights = self._plan.prepare(self._roles.w_view(_signal._reversed(x, self._axes)), None)
            x = self._filter
        self._plan.run(self._roles.x_view(x), weights, self._roles.out_view(result))
        if out is not None and result is not out:
            np.copyto(out, result, casting="unsafe")
            return out
        return result


def plan(w, bias=None, *, input_shape, stride=1, padding=0, dilation=1, groups=1,
         padding_mode="zeros", flip=False, layout="channels_first", activation=None, dtype=None,
         casting="same_kind", backend="auto", workspace_limit=None,
         accuracy="default"):  # fmt: skip
    """Prepare a convolution: weights are packed once, calls only compute.

    Parameters
    ----------
    w : array_like
        Filters, shape ``(K, C/groups, *kernel)``; copied.
    bias : array_like, optional
        Shape ``(K,)``; copied.
    input_shape : sequence of int
        Shape of the x that calls take.
    stride, padding, dilation, groups, padding_mode, flip, layout, activation, casting, backend, accuracy
        As in ``conv2d``.
    dtype : dtype, optional
        dtype of the computation and the result, default that of w and bias.
    workspace_limit : int, optional
        Bytes of scratch memory that each thread may use.

    Returns
    -------
    ConvPlan
        ``p(x)``, ``p(x, out=y)``; with ``backend``, ``output_shape``, ``workspace_bytes``, ``macs``, ``explain()``.

    Raises
    ------
    ValueError, TypeError, BackendNotSupportedError
        As ``conv2d``; also where no backend keeps within ``workspace_limit``.

    Examples
    --------
    >>> import numpy as np, fastconv
    >>> p = fastconv.plan(np.ones((1, 1, 3)), input_shape=(1, 1, 5))
    >>> p(np.arange(5.0).reshape(1, 1, 5))
    array([[[3., 6., 9.]]])
    """
    w, bias, dtype = _weights(w, bias, dtype)
    if w.ndim < 3:
        raise ValueError(f"w must have at least 3 axes (filters, channels, kernel), found {w.ndim}")
    spec = _run.Spec(w.ndim - 2, stride, padding, dilation, groups, padding_mode, flip, layout,
                     activation, dtype=dtype, casting=casting, backend=backend,
                     workspace_limit=workspace_limit, accuracy=accuracy)  # fmt: skip
    return _make(ConvPlan, _frozen_spec(spec), _shape(input_shape, "input_shape"), w, bias)


def plan_transpose(w, bias=None, *, input_shape, stride=1, padding=0, output_padding=0, dilation=1,
                   groups=1, flip=False, layout="channels_first", activation=None, dtype=None,
                   casting="same_kind", backend="auto", workspace_limit=None):  # fmt: skip
    """Prepare a transposed convolution; see ``plan`` and ``conv_transpose2d``.

    Parameters
    ----------
    w : array_like
        Filters, shape ``(C, K/groups, *kernel)``; copied.
    bias : array_like, optional
        Shape ``(K,)``; copied.
    input_shape : sequence of int
        Shape of the x that calls take.
    stride, padding, output_padding, dilation, groups, flip, layout, activation, casting, backend
        As in ``conv_transpose2d``.
    dtype, workspace_limit
        As in ``plan``.

    Returns
    -------
    ConvPlan

    Raises
    ------
    ValueError, TypeError, BackendNotSupportedError
        As ``conv_transpose2d`` and ``plan``.

    Examples
    --------
    >>> import numpy as np, fastconv
    >>> p = fastconv.plan_transpose(np.ones((1, 1, 2)), input_shape=(1, 1, 2), stride=2)
    >>> p([[[1.0, 2.0]]])
    array([[[1., 1., 2., 2.]]])
    """
    w, bias, dtype = _weights(w, bias, dtype)
    if w.ndim < 3:
        raise ValueError(f"w must have at least 3 axes (channels, filters, kernel), found {w.ndim}")
    spec = _run.Spec(w.ndim - 2, stride, padding, dilation, groups, "zeros", flip, layout,
                     activation, output_padding, True, dtype=dtype, casting=casting,
                     backend=backend, workspace_limit=workspace_limit)  # fmt: skip
    return _make(ConvPlan, _frozen_spec(spec), _shape(input_shape, "input_shape"), w, bias)


def plan_deform(w, bias=None, *, input_shape, offset_groups=1, masked=False, stride=1, padding=0,
                dilation=1, groups=1, layout="channels_first", activation=None, dtype=None,
                casting="same_kind", backend="auto", workspace_limit=None):  # fmt: skip
    """Prepare a deformable convolution; see ``plan`` and ``deform_conv2d``.

    Parameters
    ----------
    w : array_like
        Filters, shape ``(K, C/groups, *kernel)``; copied.
    bias : array_like, optional
        Shape ``(K,)``; copied.
    input_shape : sequence of int
        Shape of the x that calls take.
    offset_groups : int
        Groups of channels with offsets of their own.
    masked : bool
        Whether calls bring a mask.
    stride, padding, dilation, groups, layout, activation, casting, backend
        As in ``deform_conv2d``.
    dtype, workspace_limit
        As in ``plan``.

    Returns
    -------
    DeformPlan
        ``p(x, offset)``, ``p(x, offset, mask)``, ``p(..., out=y)``.

    Raises
    ------
    ValueError, TypeError, BackendNotSupportedError
        As ``deform_conv2d`` and ``plan``.

    Examples
    --------
    >>> import numpy as np, fastconv
    >>> p = fastconv.plan_deform(np.ones((1, 1, 1)), input_shape=(1, 1, 3))
    >>> p([[[0.0, 10.0, 20.0]]], np.full((1, 1, 3), 0.5))
    array([[[ 5., 15., 10.]]])
    """
    w, bias, dtype = _weights(w, bias, dtype)
    if w.ndim < 3:
        raise ValueError(f"w must have at least 3 axes (filters, channels, kernel), found {w.ndim}")
    if dtype.kind in "biu":
        dtype = np.dtype(np.float64)
    _args.choice(layout, _args.LAYOUTS, "layout")
    spec = _run.Spec(w.ndim - 2, stride, padding, dilation, groups, layout=layout,
                     activation=activation, dtype=dtype, casting=casting, backend=backend,
                     workspace_limit=_args.limit(workspace_limit))  # fmt: skip
    shape = _shape(input_shape, "input_shape")
    if len(shape) not in (spec.rank + 1, spec.rank + 2):
        raise ValueError(f"input_shape must have {spec.rank + 2} sizes, or {spec.rank + 1} without a "
                         f"batch axis, found {shape}")  # fmt: skip
    return _make(DeformPlan, _frozen_spec(spec), shape, w, bias,
                 _args.integer(offset_groups, "offset_groups", 1), _args.flag(masked, "masked"))  # fmt: skip


def plan_convolve(v, mode="full", *, input_shape, axes=None, boundary="fill", fillvalue=0,
                  correlate=False, dtype=None, casting="same_kind", backend="auto",
                  workspace_limit=None):  # fmt: skip
    """Prepare ``convolve(a, v)`` (or ``correlate``) for many a of one shape.

    Parameters
    ----------
    v : array_like
        The filter; copied.
    mode, axes, boundary, fillvalue, casting, backend
        As in ``convolve``.
    input_shape : sequence of int
        Shape of the a that calls take.
    correlate : bool
        Conjugate v instead of flipping it.
    dtype : dtype, optional
        dtype of the computation and the result, default that of v.
    workspace_limit
        As in ``plan``.

    Returns
    -------
    ConvolvePlan
        ``p(a)``, ``p(a, out=y)``.

    Raises
    ------
    ValueError, TypeError, BackendNotSupportedError
        As ``convolve`` and ``plan``.

    Examples
    --------
    >>> import numpy as np, fastconv
    >>> p = fastconv.plan_convolve([1.0, 1.0], "valid", input_shape=(4,))
    >>> p([1.0, 2.0, 3.0, 4.0])
    array([3., 5., 7.])
    """
    v, _, dtype = _weights(v, None, dtype, "v")
    return _make(ConvolvePlan, v, mode, _shape(input_shape, "input_shape"), _frozen(axes), boundary,
                 _frozen(fillvalue), _args.flag(correlate, "correlate"), dtype, casting, backend,
                 _args.limit(workspace_limit))  # fmt: skip


__all__ = ["plan", "plan_convolve", "plan_deform", "plan_transpose"]
