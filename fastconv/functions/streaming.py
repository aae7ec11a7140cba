"""StreamingConvolver: FIR filtering of endless signals, block by block, without delay."""

import numpy as np

from .. import _args
from .._core import arrays, streaming
from ..backends import _partitions

_DTYPES = "fdFD"
_PARTITIONS = ("auto", "uniform", "direct")


class StreamingConvolver:
    """Filter an endless signal block by block, in real time: partitioned overlap-save convolution.

    ``y[n] = sum over k of h[k] * x[n - k]``, with zeros before the first sample: the concatenated blocks of
    results, and then ``flush()``, are ``convolve`` of the concatenated blocks of input. The filter is
    flipped, as in mathematics. No sample is delayed: a block of input gives the block of output at
    the same place.

    Parameters
    ----------
    h : array_like, (taps,) or (channels, taps)
        The filter (impulse response) of all channels, or one for each.
    block_size : int
        Samples that a call usually brings. Results do not depend on it and calls may bring any number; the
        kernel is cut so that calls of this size are cheap.
    channels : int, default 1
        Signals that are filtered side by side.
    dtype : dtype, optional
        float32, float64, complex64 or complex128, of the computation and the result; default that of h
        (integers: float64; float16: float32).
    partition : {'auto', 'uniform', 'direct'} or sequence of int
        How the kernel is cut. ``"auto"``: a head that is summed directly, then levels of ever longer
        partitions, by predicted time [1]_. ``"uniform"``: all partitions as long as a block. ``"direct"``: no
        partitions. Powers of two in ascending order: the levels' sizes.

    Attributes
    ----------
    latency : int
        Samples that the output lags behind the input: always 0.
    block_size, channels, taps : int
    dtype : dtype
    partitions : tuple of (int, int)
        (taps of a partition, number of partitions) of each level.

    Raises
    ------
    ValueError
        A filter that is empty or of the wrong shape; a size below 1.
    TypeError
        A dtype that is none of the four, or to which h cannot be cast.

    See Also
    --------
    convolve : whole signals.
    causal_conv1d : short depthwise filters as layers, with state.

    Notes
    -----
    The first taps are summed directly. The others are cut into levels: partitions of S taps, whose spectra
    are multiplied with those of the last windows of 2 S samples whenever S samples are complete, which
    leaves S samples of time until the result is heard [2]_. This work is spread evenly over the calls of
    that time, so that no call takes much longer than the others. Blocks are transformed one by one: no
    channel reaches another. The results do not depend on how the signal is cut into calls, nor on the
    number of threads, bit for bit.

    A call allocates nothing when ``out`` is given. Short calls keep the GIL, as getting it back may take longer
    than the call. Several threads may use one object; they take turns. The error is relative to the
    loudest sample of a window: about 1e-6 of it in float32. A NaN or infinity is heard for as long as the
    filter lasts and up to two of the largest partitions longer.

    References
    ----------
    .. [1] W. G. Gardner, "Efficient convolution without input-output delay", J. Audio Eng. Soc. 43(3), 1995.
    .. [2] F. Wefers, "Partitioned convolution algorithms for real-time auralization", Logos, 2015,
       ISBN 978-3-8325-3943-6.

    Examples
    --------
    >>> import numpy as np, fastconv
    >>> echo = np.zeros(5000)
    >>> echo[[0, 4000]] = 1, 0.5
    >>> stream = fastconv.StreamingConvolver(echo, 64)
    >>> signal = np.random.default_rng(0).standard_normal(64 * 100)
    >>> blocks = [stream.process(block) for block in signal.reshape(100, 64)]
    >>> found = np.concatenate([*blocks, stream.flush()])
    >>> np.allclose(found, fastconv.convolve(signal, echo))
    True
    """

    latency = 0

    def __init__(self, h, block_size, *, channels=1, dtype=None, partition="auto"):
        self.block_size = _args.integer(block_size, "block_size", 1)
        self.channels = _args.integer(channels, "channels", 1)
        h = self._checked(_args.as_array(h, "h"))
        self.taps = h.shape[-1]
        self.dtype = _result_dtype(h, dtype)
        self._complex = h.dtype.kind == "c"
        double = self.dtype.char in "dD"
        sizes = _sizes(partition, self.taps, self.block_size, double)
        head, levels = _partitions.levels_of(self.taps, sizes, double)
        self.partitions = tuple((t.size, count) for t, count in levels)
        self._engine = streaming.Engine(self.dtype, self.channels, head, levels, self._complex,
                                        _partitions.COSTS)  # fmt: skip
        self._engine.swap(self._prepared(h), 0)

    def __repr__(self):
        return (f"<StreamingConvolver taps={self.taps} block_size={self.block_size} "
                f"channels={self.channels} dtype={self.dtype}>")  # fmt: skip

    def process(self, block, out=None):
        """Filter the next samples.

        Parameters
        ----------
        block : array_like, (n,) or (channels, n)
            Any number of samples; one axis only where there is one channel.
        out : ndarray, optional
            Of the block's shape, written in place and returned; may be the block itself.

        Returns
        -------
        ndarray
            Of the block's shape and of the convolver's dtype.

        Raises
        ------
        ValueError, TypeError
            A block or ``out`` of the wrong shape, or whose type cannot be cast (by "same_kind").
        """
        y = self._engine.plain(block, out)
        return self._general(block, out) if y is None else y

    def flush(self):
        """Give the ``taps - 1`` samples that are still to come, and begin anew.

        Returns
        -------
        ndarray, (taps - 1,) or (channels, taps - 1)
            What the filter rings on after the last block, as ``process`` gives it; then the state is
            that after ``reset()``.
        """
        shape = (self.taps - 1,) if self.channels == 1 else (self.channels, self.taps - 1)
        tail = self.process(np.zeros(shape, self.dtype))
        self.reset()
        return tail

    def reset(self):
        """Forget all samples: the next one is the first. The filter stays; a fade in progress is over."""
        self._engine.reset()

    def set_kernel(self, h, *, fade=0):
        """Take another filter from the next sample on, at once or faded.

        The new filter sees the samples that came before, as if it had been there from the beginning. Sample
        i of a fade is ``(fade - i) / (fade + 1)`` parts of the old output and ``(i + 1) / (fade + 1)`` parts of
        the new one.

        Parameters
        ----------
        h : array_like
            At most as many taps as the first filter (less are filled up with zeros), for all channels or one
            for each; real if that was real.
        fade : int, default 0
            Samples over which the output of the old filter turns into that of the new one. A fade
            that is in progress is cut short.

        Raises
        ------
        ValueError, TypeError
            A filter of another shape, longer, or complex where the first one was real.

        Notes
        -----
        The spectra of the new filter are computed before ``process`` is kept waiting, so that this may
        be called from another thread.
        """
        h = self._checked(_args.as_array(h, "h"))
        if h.shape[-1] > self.taps:
            raise ValueError(f"h has {h.shape[-1]} taps, wanted at most {self.taps}")
        if h.dtype.kind == "c" and not self._complex:
            raise TypeError("h is complex, the filter that it replaces is real")
        _args.result_dtype(self.dtype, "same_kind", h=h)
        self._engine.swap(self._prepared(h), _args.integer(fade, "fade", 0))

    def _checked(self, h):
        """The filters as (count, taps)."""
        if h.ndim not in (1, 2) or h.shape[-1] < 1 or (
            h.ndim == 2 and len(h) != self.channels
        ):
            raise ValueError(f"h must be (taps,) or (channels, taps) with {self.channels} channels and at "
                             f"least one tap, found shape {h.shape}")  # fmt: skip
        return h if h.ndim == 2 else h[None]

    def _prepared(self, h):
        """The filters' spectra; h (count, taps)."""
        real = np.dtype(self.dtype.char.lower())
        if self._complex:
            planes = np.stack([h.real, h.imag], axis=1)
        else:
            planes = h.real[:, None]
        return self._engine.prepare(np.ascontiguousarray(planes, real))

    def _general(self, block, out):
        """``process`` of arrays that have to be checked and converted."""
        x = _args.as_array(block, "block")
        wanted = (self.channels,) if x.ndim == 2 or self.channels > 1 else ()
        if x.shape[:-1] != wanted or not x.ndim:
            raise ValueError(f"block must be {'(n,) or ' * (self.channels == 1)}({self.channels}, n), "
                             f"found shape {x.shape}")  # fmt: skip
        _args.result_dtype(self.dtype, "same_kind", block=x)
        _args.check_out(out, x.shape, self.dtype, "same_kind")
        x = np.require(x, self.dtype, "CA")
        y = arrays.new(x.shape, self.dtype)
        self._engine.compute(x, y)
        if out is None:
            return y
        np.copyto(out, y, casting="same_kind")
        return out


def _result_dtype(h, dtype):
    """The dtype of the computation."""
    if dtype is None:
        dtype = np.result_type(h.dtype, np.float32) if h.dtype.kind in "fc" else np.dtype(float)
    wanted = _args.result_dtype(dtype, "same_kind", h=h)
    if wanted.char not in _DTYPES:
        raise TypeError(f"dtype must be float32, float64, complex64 or complex128, found {wanted}")
    return wanted


def _sizes(partition, taps, block_size, double):
    """The sizes of the levels that ``partition`` means."""
    if isinstance(partition, str):
        _args.choice(partition, _PARTITIONS, "partition")
        if partition == "direct":
            return ()
        return getattr(_partitions, {"auto": "best"}.get(partition, partition))(taps, block_size, double)
    sizes = tuple(_args.integer(size, "partition") for size in partition)
    least = _partitions.smallest(double)
    if list(sizes) != sorted(set(sizes)) or any(s < least or s & (s - 1) for s in sizes):
        raise ValueError(f"partition must be powers of two of at least {least} in ascending order, found "
                         f"{partition!r}")  # fmt: skip
    return tuple(size for size in sizes if 2 * size < taps)


__all__ = ["StreamingConvolver"]
