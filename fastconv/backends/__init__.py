"""The backends, in the order in which they are asked.  Adding one is a file and a line here."""

from . import depthwise, direct, fft, im2col, implicit, indirect, overlap, reference
from .base import BackendNotSupportedError, Verdict

BACKENDS = (
    depthwise,
    direct,
    implicit,
    indirect,
    im2col,
    overlap,
    fft,
    reference,
)

__all__ = ["BACKENDS", "BackendNotSupportedError", "Verdict"]
