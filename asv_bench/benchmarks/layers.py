"""Convolution layers of known networks, as function calls that write into ``out``.

Shapes: oneDNN's and XNNPACK's benchmark inputs and the papers of the networks, batch 1 unless said.
A name says kernel, channels and image: ``3x3 64@56`` is 3x3, 64 channels, 56 x 56; ``/2`` a stride of 2.
"""

import fastconv

from .common import COMPILED, FLOATS, Layer, array, compute

RESNET = {
    "7x7/2 3-64@224": ((1, 3, 224, 224), (64, 3, 7, 7), {"stride": 2, "padding": 3}),
    "1x1 64-256@56": ((1, 64, 56, 56), (256, 64, 1, 1), {}),
    "3x3 64@56": ((1, 64, 56, 56), (64, 64, 3, 3), {"padding": 1}),
    "3x3/2 128@56": ((1, 128, 56, 56), (128, 128, 3, 3), {"stride": 2, "padding": 1}),
    "3x3 256@14": ((1, 256, 14, 14), (256, 256, 3, 3), {"padding": 1}),
    "3x3 512@7": ((1, 512, 7, 7), (512, 512, 3, 3), {"padding": 1}),
}


class ResNet(Layer, function="conv2d", layers=RESNET, dtypes=FLOATS):
    """ResNet-50: conv2d."""


SOME = {name: RESNET[name] for name in ("1x1 64-256@56", "3x3 64@56", "3x3 512@7")}


class Backends(Layer, function="conv2d", layers=SOME, backends=COMPILED):
    """Layers of ResNet-50 by each backend: is "auto" the fastest?"""


VGG16 = {
    "3x3 3-64@224": ((1, 3, 224, 224), (64, 3, 3, 3), {"padding": 1}),
    "3x3 256@56": ((1, 256, 56, 56), (256, 256, 3, 3), {"padding": 1}),
}


class VGG(Layer, function="conv2d", layers=VGG16):
    """VGG-16: large images."""


ACTIVATED = {
    f"3x3 3-64@224 {name}": (*VGG16["3x3 3-64@224"][:2], {"padding": 1, "activation": name})
    for name in ("relu", "leaky_relu", "silu", "gelu", "tanh")
}


class Activated(Layer, function="conv2d", layers=ACTIVATED):
    """Many results of little work: what an activation adds, beside VGG's first layer."""


BATCH = {"3x3 64@56 n8": ((8, 64, 56, 56), (64, 64, 3, 3), {"padding": 1})}


class Batch(Layer, function="conv2d", layers=BATCH):
    """Eight images at once."""


GROUPED = {
    "ResNeXt 3x3 128@56 g32": ((1, 128, 56, 56), (128, 4, 3, 3), {"padding": 1, "groups": 32}),
    "AlexNet 5x5 96-256@27 g2": ((1, 96, 27, 27), (256, 48, 5, 5), {"padding": 2, "groups": 2}),
    "ShuffleNet 1x1 240-60@28 g3": ((1, 240, 28, 28), (60, 80, 1, 1), {"groups": 3}),
}


class Grouped(Layer, function="conv2d", layers=GROUPED):
    """Few channels in each group."""


DEPTHWISE = {
    "MobileNet 3x3 128@56": ((1, 128, 56, 56), (128, 1, 3, 3), {"padding": 1}),
    "MobileNet 3x3/2 256@28": ((1, 256, 28, 28), (256, 1, 3, 3), {"padding": 1, "stride": 2}),
    "EfficientNet 5x5 240@28": ((1, 240, 28, 28), (240, 1, 5, 5), {"padding": 2}),
    "ConvNeXt 7x7 96@56": ((1, 96, 56, 56), (96, 1, 7, 7), {"padding": 3}),
}


class Depthwise(Layer, function="depthwise_conv2d", layers=DEPTHWISE, dtypes=FLOATS):
    """One filter for each channel: depthwise_conv2d."""


POINTWISE = {"MobileNet 512@14": ((1, 512, 14, 14), (512, 512), {})}


class Pointwise(Layer, function="pointwise_conv", layers=POINTWISE, dtypes=FLOATS):
    """Channels mixed, pixel by pixel: pointwise_conv."""


DILATED = {
    "3x3 r2 512@28": ((1, 512, 28, 28), (512, 512, 3, 3), {"padding": 2, "dilation": 2}),
    "3x3 r12 512-64@33": ((1, 512, 33, 33), (64, 512, 3, 3), {"padding": 12, "dilation": 12}),
}


class Dilated(Layer, function="conv2d", layers=DILATED):
    """DeepLab-v3: taps far apart."""


AUDIO = {
    "WaveNet k2 r64 64x16000": ((1, 64, 16064), (64, 64, 2), {"dilation": 64}),
    "k9 256x2048": ((1, 256, 2048), (256, 256, 9), {"padding": 4}),
    "raw k16/4 1-64x32000": ((1, 1, 32000), (64, 1, 16), {"stride": 4}),
}


class Audio(Layer, function="conv1d", layers=AUDIO):
    """One axis: conv1d."""


DEPTHWISE_AUDIO = {"k4 768x2048": ((1, 768, 2048), (768, 1, 4), {"padding": "causal"})}


class DepthwiseAudio(Layer, function="depthwise_conv1d", layers=DEPTHWISE_AUDIO):
    """A causal filter for each channel: depthwise_conv1d."""


VIDEO = {
    "C3D 3x3x3 3-64 8@56": ((1, 3, 8, 56, 56), (64, 3, 3, 3, 3), {"padding": 1}),
    "C3D 3x3x3 64 4@28": ((1, 64, 4, 28, 28), (64, 64, 3, 3, 3), {"padding": 1}),
}


class Video(Layer, function="conv3d", layers=VIDEO):
    """Three axes: conv3d."""


DEPTHWISE_VIDEO = {"X3D 3x3x3 54 16@28": ((1, 54, 16, 28, 28), (54, 1, 3, 3, 3), {"padding": 1})}


class DepthwiseVideo(Layer, function="depthwise_conv3d", layers=DEPTHWISE_VIDEO):
    """One filter for each channel of a video: depthwise_conv3d."""


ONE_CHANNEL = {
    "3x3 1@1024": ((1, 1, 1024, 1024), (1, 1, 3, 3), {"padding": 1}),
    "15x15 1@512": ((1, 1, 512, 512), (1, 1, 15, 15), {"padding": 7}),
}


class OneChannel(Layer, function="conv", layers=ONE_CHANNEL, dtypes=FLOATS):
    """An image filter in layer style, by the function that takes its rank from w: conv."""


TYPES = ("float16", "int8", "int16", "int32", "int64", "bool", "complex64", "longdouble")
SMALL = {"3x3 16@28": ((1, 16, 28, 28), (16, 16, 3, 3), {"padding": 1})}


class Dtypes(Layer, function="conv2d", layers=SMALL, dtypes=TYPES, bias=False):
    """Dtypes that have tiles of their own."""


X, W = (1, 64, 56, 56), (64, 64, 3, 3)
OPTIONS = {
    "channels_last": ((1, 56, 56, 64), W, {"padding": 1, "layout": "channels_last"}),
    "reflect": (X, W, {"padding": 1, "padding_mode": "reflect"}),
    "relu": (X, W, {"padding": 1, "activation": "relu"}),
    "silu": (X, W, {"padding": 1, "activation": "silu"}),
}


class Options(Layer, function="conv2d", layers=OPTIONS):
    """3x3 64@56 with what should cost little: layout, borders, activation."""


RESIZE = {"x2 3x3 64@28": ((1, 64, 28, 28), W, {"padding": 1, "scale": 2})}


class Resize(Layer, function="resize_conv2d", layers=RESIZE):
    """Nearest-neighbour enlarging and a convolution: resize_conv2d."""


SEPARABLE = {
    "separable_conv1d": ((1, 128, 4096), (3,)),
    "separable_conv2d": ((1, 128, 56, 56), (3, 3)),
    "separable_conv3d": ((1, 32, 8, 28, 28), (3, 3, 3)),
}


class Separable:
    """Depthwise and pointwise in one call: separable_conv1d, separable_conv2d, separable_conv3d."""

    params = (tuple(SEPARABLE), FLOATS)
    param_names = ("function", "dtype")

    def setup(self, function, dtype):
        shape, kernel = SEPARABLE[function]
        channels = shape[1]
        depthwise = array((channels, 1, *kernel), dtype, 1)
        pointwise = array((channels, channels), dtype, 2)
        call, x = getattr(fastconv, function), array(shape, dtype)
        self.call = lambda out=None: call(x, depthwise, pointwise, padding=1, out=out)
        self.out = compute(self.call)

    def time_call(self, function, dtype):
        self.call(out=self.out)


class Causal:
    """One long call, and one sample at a time: causal_conv1d."""

    params = ((1, 2048), (None, "silu"))
    param_names = ("samples", "activation")

    def setup(self, samples, activation):
        self.x, self.w = array((1, 768, samples)), array((768, 4), seed=1)
        self.state = array((1, 768, 3), seed=2)

    def time_causal_conv1d(self, samples, activation):
        fastconv.causal_conv1d(self.x, self.w, state=self.state, activation=activation)
