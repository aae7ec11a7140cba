"""The backends, in the order in which they are asked.  Adding one is a file and a line here."""

from . import direct, im2col, reference
from .base import BackendNotSupportedError, Verdict

BACKENDS = (
    direct,
    im2col,
    reference,
)

__all__ = ["BACKENDS", "BackendNotSupportedError", "Verdict"]
