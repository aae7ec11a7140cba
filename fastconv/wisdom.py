"""What ``backend="tune"`` found out about this machine: look at it, save it, load it, forget it.

Wisdom is one entry for every problem that was timed: its shapes, dtype and keywords, the fastest backend
and the seconds of each.  ``"auto"`` and ``"tune"`` follow it.  It holds for one CPU model, one
instruction set and one version of fastconv.  With the environment variable ``FASTCONV_WISDOM`` set
to the name of a file, that file is read before the first choice of a process, if it exists.
"""

import os

from . import _wisdom
from ._wisdom import Entry


def export_wisdom(path=None):
    """Write all that is remembered as JSON text, or to a file.

    Parameters
    ----------
    path : str or path-like, optional
        File to write. It is replaced as a whole or, if anything fails, left as it was.

    Returns
    -------
    str or None
        The text, if no path is given.

    Raises
    ------
    OSError
        If the file cannot be written.

    See Also
    --------
    import_wisdom : the way back.

    Examples
    --------
    >>> import numpy as np, fastconv
    >>> x, w = np.ones((1, 8, 12, 12), np.float32), np.ones((8, 8, 3, 3), np.float32)
    >>> y = fastconv.conv2d(x, w, backend="tune")
    >>> text = fastconv.wisdom.export_wisdom()
    >>> fastconv.wisdom.forget_wisdom()
    >>> fastconv.wisdom.import_wisdom(text)
    1
    >>> fastconv.wisdom.forget_wisdom()
    """
    text = _wisdom.dumps()
    if path is None:
        return text
    _wisdom.write(path, text)
    return None


def import_wisdom(source):
    """Add the entries of exported wisdom; they replace what is remembered of the same problems.

    Entries found on another CPU model, under another instruction set, by another version of fastconv
    or with a backend that this build does not have are left out, and a warning tells how many and why.

    Parameters
    ----------
    source : str, path-like or file
        JSON text (a str that begins with ``{`` or ``[``), the name of a file, or an open file.

    Returns
    -------
    int
        How many entries were taken.

    Raises
    ------
    ValueError
        If this is not wisdom, or not in a form that this version reads; nothing is taken then.
    OSError
        If the file cannot be read.
    TypeError
        If source is none of these.

    Warns
    -----
    UserWarning
        If entries were left out.

    See Also
    --------
    export_wisdom : what makes such text.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.wisdom.import_wisdom(fastconv.wisdom.export_wisdom())
    0
    """
    if hasattr(source, "read"):
        text, name = source.read(), f"{getattr(source, 'name', 'the file')!s}"
        if isinstance(text, bytes):
            text = _wisdom.decode(text, name)
    elif isinstance(source, str) and source.lstrip()[:1] in ("{", "["):
        text, name = source, "the text"
    elif isinstance(source, (str, os.PathLike)):
        text, name = _wisdom.read(source), repr(os.fspath(source))
    else:
        raise TypeError(f"source must be JSON text, a path or a file, found {type(source).__name__}")
    return _wisdom.loads(text, name, 2)


def forget_wisdom():
    """Forget everything: ``"auto"`` goes by predictions again, ``"tune"`` times anew.

    Files are left alone, and that of ``FASTCONV_WISDOM`` is not read again in this process.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.wisdom.forget_wisdom()
    >>> fastconv.wisdom.entries()
    ()
    """
    _wisdom.forget()


def entries():
    """All that is remembered, oldest first.

    Returns
    -------
    tuple of Entry
        Named tuples ``(problem, backend, seconds, threads, isa)``; changing them changes nothing.

    Examples
    --------
    >>> import numpy as np, fastconv
    >>> x, w = np.ones((1, 8, 12, 12), np.float32), np.ones((8, 8, 3, 3), np.float32)
    >>> y = fastconv.conv2d(x, w, backend="tune")
    >>> entry = fastconv.wisdom.entries()[-1]
    >>> entry.problem["dtype"], entry.problem["geometry"]["channels"]
    ('float32', 8)
    >>> entry.backend == min(entry.seconds, key=entry.seconds.get)
    True
    >>> fastconv.wisdom.forget_wisdom()
    """
    return _wisdom.entries()


__all__ = ["Entry", "entries", "export_wisdom", "forget_wisdom", "import_wisdom"]
