"""The backends, in the order in which they are asked.  Adding one is a file and a line here."""

<<<<<<< HEAD
from . import depthwise, direct, im2col, implicit, indirect, reference
=======
from . import depthwise, direct, im2col, implicit, reference, winograd
>>>>>>> wino
from .base import BackendNotSupportedError, Verdict

BACKENDS = (
    depthwise,
    winograd,
    direct,
    implicit,
    indirect,
    im2col,
    reference,
)

__all__ = ["BACKENDS", "BackendNotSupportedError", "Verdict"]
