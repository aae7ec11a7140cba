"""The backends, in the order in which they are asked.  Adding one is a file and a line here."""

from . import depthwise, direct, fft, im2col, implicit, indirect, overlap, reference, winograd
from .base import BackendNotSupportedError, Verdict

BACKENDS = (
    depthwise,
    winograd,
    direct,
    implicit,
    indirect,
    im2col,
    overlap,
    fft,
    reference,
)

__all__ = ["BACKENDS", "BackendNotSupportedError", "Verdict"]
