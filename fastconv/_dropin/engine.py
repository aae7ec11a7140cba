"""One windowed sum through fastconv's plans: any axes, an offset and a border rule for each.

``out[i] = sum over t of x[i + t - before] * w[t]`` along the axes, the filter not flipped; backends are
chosen as for every other call.  The result has the shape of x.
"""

import numpy as np

from .. import _args, _select
from .._core import arrays
from .._plan import CALLS
from .._problem import Axis, Geometry, Problem
from ..functions.signal_style import Roles

MODES = {"reflect": "symm", "grid-mirror": "symm", "mirror": "reflect", "nearest": "replicate",
         "wrap": "circular", "grid-wrap": "circular", "constant": "fill", "grid-constant": "fill"}  # fmt: skip


def window(x, w, axes, before, modes, fill, dtype, out):
    """Write the windowed sum into out, an array of any strides that may overlap x.

    Parameters
    ----------
    x : ndarray
        Samples of any dtype.
    w : ndarray
        Weights, one axis for each of ``axes``.
    axes, before, modes : tuple, one entry per axis
        Axes of x, ascending; samples of the window that lie before its output; border rule, a key of MODES.
    fill : number
        What lies outside for mode "constant".
    dtype : dtype
        What is computed in.
    out : ndarray of x's shape
        Any dtype that dtype is cast to without being asked.
    """
    key = ("window", x.shape, w.shape, axes, before, modes, fill, type(fill), dtype)
    plan, roles = CALLS.get(key, lambda: _decide(*key[1:7], dtype))
    _select.observe(plan, "auto")
    result = out
    if _args.needs_temporary(out, dtype, (x, w)):
        result = arrays.new(x.shape, dtype)
    plan.run(roles.x_view(x), plan.prepare(w[None], None), roles.out_view(result))
    if result is not out:
        store(result, out)
    return out


def store(values, out):
    """Write computed values into out, fractions cut off and integers wrapped as in C."""
    if values.dtype.kind == "f" and out.dtype.kind in "iub":
        # by way of a signed integer: C leaves it open what a negative number is as an unsigned one
        wide = np.int32 if out.dtype.itemsize <= 2 else np.int64
        if out.dtype == np.uint64 and (values >= 2.0**63).any():
            wide = np.uint64
        with np.errstate(invalid="ignore"):
            values = values.astype(wide)
    np.copyto(out, values, casting="unsafe")


def _decide(x_shape, w_shape, axes, before, modes, fill, dtype):
    """(plan, Roles of the axes of x)."""
    roles = Roles(x_shape, tuple(w_shape[axes.index(i)] if i in axes else 1 for i in range(len(x_shape))), axes)
    spatial = tuple(
        Axis(x_shape[a], m, x_shape[a], before=b, after=m - 1 - b, mode=MODES[mode])
        for a, m, b, mode in zip(axes, w_shape, before, modes, strict=True)
    )
    geometry = Geometry(tuple(x_shape[i] for i in roles.batch), (), 1, (), spatial, fill=fill)
    plan = _select.choose(Problem(geometry, dtype), "auto")
    return plan, roles
