"""Words that many drop-in functions share, filled into their docstrings."""

from inspect import cleandoc

_WORDS = {
    "input": """
        input : array_like
            Samples, any number of axes.
        """,
    "output": """
        output : ndarray or dtype, optional
            Array that the result is written to (it may be input itself), or dtype of the result; default
            the dtype of input, complex if an operand is.
        """,
    "mode": """
        mode : {'reflect', 'constant', 'nearest', 'mirror', 'wrap', 'grid-mirror', 'grid-constant', 'grid-wrap'}
            What lies beyond the ends of ``a b c d``: ``d c b a | a b c d | d c b a`` (``"reflect"``, default,
            and ``"grid-mirror"``), ``cval`` (``"constant"``, ``"grid-constant"``), the edge sample
            (``"nearest"``), ``d c b | a b c d | c b a`` (``"mirror"``), ``a b c d`` again (``"wrap"``,
            ``"grid-wrap"``).
        """,
    "modes": """
        mode : str or sequence of str
            What lies beyond the ends of ``a b c d``, one rule or one for each axis:
            ``d c b a | a b c d | d c b a`` (``"reflect"``, default, and ``"grid-mirror"``), ``cval``
            (``"constant"``, ``"grid-constant"``), the edge sample (``"nearest"``),
            ``d c b | a b c d | c b a`` (``"mirror"``), ``a b c d`` again (``"wrap"``, ``"grid-wrap"``).
        """,
    "cval": """
        cval : number
            Value beyond the ends in mode ``"constant"``, default 0.
        """,
    "axis": """
        axis : int
            Axis to filter along, default the last.
        """,
    "axes": """
        axes : int or tuple of int, optional
            Axes to filter along, default all; arguments that are sequences have one entry for each.
        """,
    "origin": """
        origin : int or sequence of int
            Samples that the window is moved by, within its own half; default 0, centred.
        """,
    "mode2": """
        mode : {'full', 'same', 'valid'}
            All overlaps; as many as in1 has, centred; or those that need nothing from outside.
        """,
    "out2": """
        Returns
        -------
        ndarray
            The convolution.
        """,
    "out1": """
        Returns
        -------
        ndarray
            The filtered samples, of the shape of input.
        """,
    "raises": """
        Raises
        ------
        RuntimeError, ValueError, TypeError
            Those of SciPy's function, which is called where an argument is not understood.
        """,
}  # fmt: skip


def same_as(module):
    """Decorator: fill {words} and say in the notes whose function this is."""

    def decorate(function):
        if not function.__doc__:  # python -OO
            return function
        text = cleandoc(function.__doc__)
        for word, what in _WORDS.items():
            text = text.replace("{" + word + "}", cleandoc(what))
        note = (f"A drop-in for ``{module}.{function.__name__}``: the same names, results, dtypes and errors, "
                "computed by fastconv's own kernels; what these do not do is handed to SciPy. What differs is "
                "listed under *Differences from SciPy* in the user guide.")  # fmt: skip
        if "Notes\n-----\n" in text:
            text = text.replace("Notes\n-----\n", f"Notes\n-----\n{note}\n\n", 1)
        else:
            at = text.index("Examples\n--------")
            text = f"{text[:at]}Notes\n-----\n{note}\n\n{text[at:]}"
        function.__doc__ = text
        return function

    return decorate
