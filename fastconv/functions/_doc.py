"""Functions that exist once per rank: one signature and one docstring for all three."""

from inspect import cleandoc

_AXES = {1: ("L", "k", "ol"), 2: ("H, W", "kh, kw", "oh, ow"),
         3: ("D, H, W", "kd, kh, kw", "od, oh, ow")}  # fmt: skip

COMMON = cleandoc("""
    out : ndarray, optional
        Array that the result is written to and that is returned; may overlap an input.
    dtype : dtype, optional
        dtype of the computation and the result; default ``np.result_type`` of the operands.
    casting : {'same_kind', 'no', 'equiv', 'safe', 'unsafe'}
        What may be cast to ``dtype``, and ``dtype`` to that of ``out``.
    backend : str
        ``"auto"``, ``"tune"`` (time the candidates once, remember the fastest), or one of
        ``fastconv.backends()``.
    """)

ACCURACY = cleandoc("""
    accuracy : {'default', 'strict', 'relaxed'}
        How far rounding errors may exceed those of a direct sum. ``"strict"``: not at all. ``"default"``:
        short minimal filters, F(4,3) at most, whose errors stay below ``16 u S`` with u the unit roundoff and
        S the largest ``sum |x| |w|`` around the output. ``"relaxed"``: F(6,3) as well, ``100 u S``.
    """)

CONV = cleandoc("""
    stride : int or sequence of int
        Samples between neighbouring windows, default 1.
    padding : int, sequence of int, sequence of (int, int), or str
        Samples added around x: one number, one per axis, or one (before, after) pair per axis;
        negative numbers crop. ``"valid"``: none. ``"same"``: as many as give ``ceil(size / stride)``
        outputs, the odd one after; ``"same_lower"``: the odd one before. ``"full"``: every window
        that touches x. ``"causal"`` (one axis only): all before.
    dilation : int or sequence of int
        Samples between neighbouring taps, 1 (default) for a dense kernel.
    groups : int
        Channels are split into that many groups, filtered apart.
    padding_mode : {'zeros', 'reflect', 'replicate', 'circular'}
        What the added samples are. ``"reflect"`` does not repeat the edge sample.
    flip : bool
        False (default): cross-correlation, the filter is not flipped. True: convolution.
    layout : {'channels_first', 'channels_last'}
        Where x and the result have their channel axis; weights are the same in both.
    activation : {None, 'relu', 'relu6', 'leaky_relu', 'silu', 'gelu', 'sigmoid', 'tanh'}
        Applied to the result as it is written.
    """)

RAISES = cleandoc("""
    Raises
    ------
    ValueError
        A shape, size or name that does not fit; the message names the argument.
    TypeError
        An argument of the wrong type, a dtype without arithmetic, a cast that ``casting`` forbids.
    BackendNotSupportedError
        The backend asked for cannot compute this.
    MemoryError
        The result does not fit into memory.
    """)


def fill(rank=None):
    """Decorator: fill {sizes}, {kernels}, {outs}, {rank}, {common}, {conv}, {raises} into a docstring."""
    def decorate(function):
        sizes, kernels, outs = _AXES.get(rank, ("*sizes", "*kernel", "*outs"))
        text = cleandoc(function.__doc__ or "")  # none under python -OO
        for name, value in (("sizes", sizes), ("kernels", kernels), ("outs", outs),
                            ("rank", str(rank)), ("common", COMMON), ("conv", CONV), ("accuracy", ACCURACY),
                            ("raises", RAISES)):  # fmt: skip
            text = text.replace("{" + name + "}", value)
        function.__doc__ = text
        return function

    return decorate


def by_rank(name, make):
    """The functions ``name.format(1)`` to ``name.format(3)``, made by ``make(rank)``: one signature, one
    docstring, filled in with the rank's words."""
    functions = []
    for rank in (1, 2, 3):
        function = fill(rank)(make(rank))
        function.__name__ = function.__qualname__ = name.format(rank)
        functions.append(function)
    return functions
