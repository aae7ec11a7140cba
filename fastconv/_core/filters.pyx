"""Recursive and polyphase filters (placeholder body)."""
import numpy as np

UPFIRDN_MODES = ("constant", "wrap", "edge", "smooth", "symmetric", "reflect", "antisymmetric",
                 "antireflect", "line")


def lfilter(b, a, x, zi=None, axis=-1):
    from scipy import signal
    if zi is None:
        return np.ascontiguousarray(signal.lfilter(b, a, x, axis)), None
    return signal.lfilter(b, a, x, axis, zi)


def sosfilt(sos, x, zi=None, axis=-1):
    from scipy import signal
    if zi is None:
        return np.ascontiguousarray(signal.sosfilt(sos, x, axis)), None
    return signal.sosfilt(sos, x, axis, zi)


def upfirdn_length(taps, n, up, down):
    return ((n - 1) * up + taps - 1) // down + 1


def upfirdn(h, x, up=1, down=1, axis=-1, mode="constant", cval=0):
    from scipy import signal
    return signal.upfirdn(h, x, up, down, axis, mode, cval)
