"""Transposed convolution: decoders and generators. Only useful multiply-adds, none with inserted zeros."""

from .common import COMPILED, FLOATS, Layer

DECODERS = {
    "DCGAN 4x4/2 512-256@8": ((1, 512, 8, 8), (512, 256, 4, 4), {"stride": 2, "padding": 1}),
    "4x4/2 128-64@64": ((1, 128, 64, 64), (128, 64, 4, 4), {"stride": 2, "padding": 1}),
    "U-Net 2x2/2 128-64@64": ((1, 128, 64, 64), (128, 64, 2, 2), {"stride": 2}),
}


class Decoder(Layer, function="conv_transpose2d", layers=DECODERS, dtypes=FLOATS):
    """conv_transpose2d of stride 2."""


class Backends(Layer, function="conv_transpose2d", layers=DECODERS, backends=COMPILED):
    """The same by each backend: is "auto" the fastest?"""


FCN8 = {"16x16/8 21@32": ((1, 21, 32, 32), (21, 21, 16, 16), {"stride": 8, "padding": 4})}


class FCN(Layer, function="conv_transpose2d", layers=FCN8):
    """Segmentation: a large kernel and stride."""


VOCODER = {"k16/8 256-128x512": ((1, 256, 512), (256, 128, 16), {"stride": 8, "padding": 4})}


class Vocoder(Layer, function="conv_transpose1d", layers=VOCODER):
    """Audio: conv_transpose1d."""


VOLUME = {"2x2x2/2 64-32 16@16": ((1, 64, 16, 16, 16), (64, 32, 2, 2, 2), {"stride": 2})}


class Volume(Layer, function="conv_transpose3d", layers=VOLUME):
    """3-D U-Net: conv_transpose3d."""
