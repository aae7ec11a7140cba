"""Convolution and correlation as ``numpy.ufunc`` objects.

``convolve_full``, ``convolve_same``, ``convolve_valid``, ``correlate_full``, ``correlate_same`` and
``correlate_valid`` have the signature ``(n),(k)->(m)``; those with ``2d`` in their name
``(m,n),(k,l)->(p,q)``. They compute what ``fastconv.convolve`` and ``fastconv.correlate`` do over the
last axis, or the last two, and bring what every ufunc does: broadcasting of all other axes, ``out=``,
``axes=``, ``dtype=``, ``casting=``, ``order=``, ``signature=``, and ``__array_ufunc__``.
"""

from functools import partial

from ._core import gufuncs
from .functions.signal_style import general

_WHAT = {
    True: ("convolution", "out[i] = sum over j of a[j] * v[i - j + s]", "flipped"),
    False: ("cross-correlation", "out[i] = sum over j of a[j] * conj(v[j - i + k - 1 - s])",
            "conjugated, not flipped"),
}  # fmt: skip
_SIZES = {
    "full": "``n + k - 1`` samples{each}: every one that a and v reach (``s = 0``)",
    "same": "n samples{each}, centred with respect to a (``s = (k - 1) // 2``)",
    "valid": "``max(n, k) - min(n, k) + 1`` samples{each}: those that need no border "
             "(``s = min(n, k) - 1``)",
}  # fmt: skip
_DOC = """
The "{mode}" {what} of the last {axes} of a with v.

``{formula}``{each}; v is {flipped}. The result has {size}.

Parameters
----------
a, v : array_like
    The samples, ``(..., {a})``, and the filter, ``(..., {v})``; all other axes broadcast.
out : ndarray, optional
    The array to write into; may overlap an input.
**kwargs
    ``axes``, ``dtype``, ``casting``, ``order``, ``signature`` and ``subok``, as of any ufunc [1]_.

Returns
-------
ndarray
    ``(..., {out})``, of the type that a and v have in common: integers are exact modulo ``2**n``,
    float16 is summed in float32, bool is the logical or of logical ands. A NaN or infinity reaches
    exactly the outputs whose window covers it, without a warning.

Raises
------
ValueError
    An operand without samples, or an ``out`` of another size.
TypeError
    A dtype without arithmetic, a cast that ``casting`` forbids, ``where=``, ``axis=`` or ``keepdims=``.

See Also
--------
fastconv.{function} : The function, with a choice of borders and of the backend.

References
----------
.. [1] https://numpy.org/doc/stable/reference/ufuncs.html

Examples
--------
>>> import fastconv.ufuncs as fu
>>> fu.{name}({example}
"""
_EXAMPLES = {
    "convolve_full": "[[1, 2, 3], [0, 0, 1]], [0, 1, 5])\narray([[ 0,  1,  7, 13, 15],\n       [ 0,  0,  0,  1,  5]])",
    "convolve_same": "[1, 2, 3], [0, 1, 5])\narray([ 1,  7, 13])",
    "convolve_valid": "[1, 2, 3, 4], [1, 1])\narray([3, 5, 7])",
    "correlate_full": "[1, 2, 3], [0, 1, 5])\narray([ 5, 11, 17,  3,  0])",
    "correlate_same": "[1, 2, 3], [0, 1, 5])\narray([11, 17,  3])",
    "correlate_valid": "[1, 2, 3, 4], [[1, 1], [1, -1]])\narray([[ 3,  5,  7],\n       [-1, -1, -1]])",
    "convolve2d_full": "[[1, 2]], [[1], [1]])\narray([[1, 2],\n       [1, 2]])",
    "convolve2d_same": "[[1, 2], [3, 4]], [[1, 1]])\narray([[1, 3],\n       [3, 7]])",
    "convolve2d_valid": "[[1, 2], [3, 4]], [[1, 1]])\narray([[3],\n       [7]])",
    "correlate2d_full": "[[1, 2]], [[1], [0]])\narray([[0, 0],\n       [1, 2]])",
    "correlate2d_same": "[[1, 2], [3, 4]], [[1, 0]])\narray([[0, 1],\n       [0, 3]])",
    "correlate2d_valid": "[[1, 2], [3, 4]], [[1, 0]])\narray([[1],\n       [3]])",
}


def _ufunc(name):
    """Make the ufunc of that name."""
    function, mode = name.replace("2d", "").split("_")
    rank, flip = 2 if "2d" in name else 1, function == "convolve"
    what, formula, flipped = _WHAT[flip]
    each = "" if rank == 1 else " along each axis"
    doc = _DOC.format(
        name=name, function=function, mode=mode, what=what, formula=formula, flipped=flipped,
        axes="axis" if rank == 1 else "two axes", each=each, size=_SIZES[mode].format(each=each),
        example=_EXAMPLES[name],
        a="n" if rank == 1 else "m, n", v="k" if rank == 1 else "k, l",
        out="m" if rank == 1 else "p, q",
    )  # fmt: skip
    serve = partial(_serve, flip, mode, tuple(range(1, rank + 1)))
    return gufuncs.make(name, rank, mode, flip, doc.strip(), serve)


def _serve(flip, mode, axes, a, v, out):
    general(flip, a, v, mode, axes=axes, out=out)


convolve_full = _ufunc("convolve_full")
convolve_same = _ufunc("convolve_same")
convolve_valid = _ufunc("convolve_valid")
correlate_full = _ufunc("correlate_full")
correlate_same = _ufunc("correlate_same")
correlate_valid = _ufunc("correlate_valid")
convolve2d_full = _ufunc("convolve2d_full")
convolve2d_same = _ufunc("convolve2d_same")
convolve2d_valid = _ufunc("convolve2d_valid")
correlate2d_full = _ufunc("correlate2d_full")
correlate2d_same = _ufunc("correlate2d_same")
correlate2d_valid = _ufunc("correlate2d_valid")

__all__ = [
    "convolve2d_full",
    "convolve2d_same",
    "convolve2d_valid",
    "convolve_full",
    "convolve_same",
    "convolve_valid",
    "correlate2d_full",
    "correlate2d_same",
    "correlate2d_valid",
    "correlate_full",
    "correlate_same",
    "correlate_valid",
]
