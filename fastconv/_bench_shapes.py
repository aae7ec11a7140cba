"""Convolution layers of published networks, by family: the table behind ``bench layers``.

Sizes are those of the papers and of the benchmark inputs of oneDNN and XNNPACK, one image unless
``n8`` or the like stands behind. A name says kernel, stride, channels and image:
``3x3/2 128@56`` is a 3x3 kernel at stride 2 on 128 channels of 56 x 56 that gives as many.
"""

from dataclasses import dataclass, field

FAMILIES = {
    "3x3": "stride 1",
    "1x1": "pointwise",
    "first": "first layers, strided, 5x5, 1x7",
    "grouped": "several channels in each group",
    "depthwise": "one filter for each channel",
    "dilated": "taps apart",
    "1d": "one axis",
    "3d": "three axes",
    "transposed": "the input gradient as a layer",
    "image": "one channel in, one out",
}

# networks of which every convolution is in the table: their layers' times may be added up
WHOLE = ("AlexNet", "VGG-16", "ResNet-50", "MobileNet-v1")


@dataclass(frozen=True)
class Layer:
    """One layer: shapes of x (channels first) and w, keywords of the call, times it occurs."""

    family: str
    network: str
    name: str
    x: tuple
    w: tuple
    keywords: dict = field(default_factory=dict)
    count: int = 1

    @property
    def title(self):
        """Network and name: what is printed, and what ``--match`` looks into."""
        return f"{self.network} {self.name}"

    @property
    def rank(self):
        """The number of spatial axes."""
        return len(self.w) - 2

    @property
    def transposed(self):
        """Whether it is a transposed convolution."""
        return self.family == "transposed"

    @property
    def function(self):
        """The function of fastconv, and of torch.nn.functional, that computes it."""
        return f"conv{'_transpose' * self.transposed}{self.rank}d"

    @property
    def outputs(self):
        """Output channels: the length of the bias."""
        return self.w[1] * self.keywords.get("groups", 1) if self.transposed else self.w[0]


DEFAULTS = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1}


def given(**keywords):
    """The keywords that are not the default: what a user would write."""
    return {k: v for k, v in keywords.items() if v != DEFAULTS[k]}


def channels(inputs, outputs):
    """``64``, or ``64-128`` where a layer changes the number of channels."""
    return f"{inputs}" if inputs == outputs else f"{inputs}-{outputs}"


def square(network, inputs, size, kernel, outputs=None, stride=1, count=1, groups=1, family=None):
    """A 2-D layer on a square image that is padded so that stride 1 keeps its size."""
    outputs = outputs or inputs
    step = f"/{stride}" if stride > 1 else ""
    name = f"{kernel}x{kernel}{step} {channels(inputs, outputs)}@{size}"
    if groups == inputs > 1:
        family = "depthwise"
    elif groups > 1:
        family, name = family or "grouped", f"{name} g{groups}"
    elif family is None:
        family = {(1, 1): "1x1", (1, 2): "1x1", (3, 1): "3x3"}.get((kernel, stride), "first")
    return Layer(family, network, name, (1, inputs, size, size),
                 (outputs, inputs // groups, kernel, kernel),
                 given(stride=stride, padding=kernel // 2, groups=groups), count)  # fmt: skip


def depthwise(network, inputs, size, kernel, stride=1, count=1):
    """A 2-D layer with one filter for each channel."""
    return square(network, inputs, size, kernel, stride=stride, count=count, groups=inputs)


def transposed(network, inputs, outputs, size, kernel, stride, padding=0, extra=0, batch=1):
    """A 2-D transposed layer; size is a side, or (height, width); extra: output_padding."""
    size = size if isinstance(size, tuple) else (size, size)
    image = "x".join(map(str, dict.fromkeys(size)))
    step = f"/{stride}" if stride > 1 else ""
    return Layer("transposed", network,
                 f"{kernel}x{kernel}{step} {channels(inputs, outputs)}@{image}",
                 (batch, inputs, *size), (inputs, outputs, kernel, kernel),
                 given(stride=stride, padding=padding, output_padding=extra))  # fmt: skip


# fmt: off
RESNET = [
    square("ResNet-50", 3, 224, 7, 64, 2),
    *(square("ResNet-50", c, s, 3, count=n) for c, s, n in ((64, 56, 3), (128, 28, 3), (256, 14, 5), (512, 7, 2))),
    *(square("ResNet-50", c, s, 3, stride=2) for c, s in ((128, 56), (256, 28), (512, 14))),
    *(square("ResNet-50", c, s, 1, k, count=n) for c, k, s, n in (
        (64, 64, 56, 1), (64, 256, 56, 4), (256, 64, 56, 2), (256, 128, 56, 1), (128, 512, 28, 4), (512, 128, 28, 3),
        (512, 256, 28, 1), (256, 1024, 14, 6), (1024, 256, 14, 5), (1024, 512, 14, 1), (512, 2048, 7, 3),
        (2048, 512, 7, 2))),
    *(square("ResNet-50", c, s, 1, 2 * c, 2) for c, s in ((256, 56), (512, 28), (1024, 14))),
    Layer("3x3", "ResNet-50 n16", "3x3 64@56", (16, 64, 56, 56), (64, 64, 3, 3), {"padding": 1}),
]

VGG = [square("VGG-16", c, s, 3, k, count=n, family="first" if c == 3 else None) for c, k, s, n in (
    (3, 64, 224, 1), (64, 64, 224, 1), (64, 128, 112, 1), (128, 128, 112, 1), (128, 256, 56, 1), (256, 256, 56, 2),
    (256, 512, 28, 1), (512, 512, 28, 2), (512, 512, 14, 3))]

MOBILENET = [
    square("MobileNet-v1", 3, 224, 3, 32, 2),
    *(depthwise("MobileNet-v1", c, s, 3, d, n) for c, s, d, n in (
        (32, 112, 1, 1), (64, 112, 2, 1), (128, 56, 1, 1), (128, 56, 2, 1), (256, 28, 1, 1), (256, 28, 2, 1),
        (512, 14, 1, 5), (512, 14, 2, 1), (1024, 7, 1, 1))),
    *(square("MobileNet-v1", c, s, 1, k, count=n) for c, k, s, n in (
        (32, 64, 112, 1), (64, 128, 56, 1), (128, 128, 56, 1), (128, 256, 28, 1), (256, 256, 28, 1), (256, 512, 14, 1),
        (512, 512, 14, 5), (512, 1024, 7, 1), (1024, 1024, 7, 1))),
]

ALEXNET = [
    Layer("first", "AlexNet", "11x11/4 3-96@227", (1, 3, 227, 227), (96, 3, 11, 11), {"stride": 4}),
    square("AlexNet", 96, 27, 5, 256, groups=2, family="first"),
    square("AlexNet", 256, 13, 3, 384),
    square("AlexNet", 384, 13, 3, groups=2),
    square("AlexNet", 384, 13, 3, 256, groups=2),
]

INCEPTION = [
    *(square("GoogLeNet", c, s, r, k) for c, k, s, r in (
        (64, 192, 56, 3), (96, 128, 28, 3), (16, 32, 28, 5), (128, 192, 28, 3), (32, 96, 28, 5), (480, 192, 14, 1),
        (96, 208, 14, 3), (160, 320, 14, 3), (32, 128, 14, 5), (832, 256, 7, 1), (192, 384, 7, 3))),
    square("Inception-v3", 48, 35, 5, 64, count=3),
    Layer("first", "Inception-v3", "3x3/2 288-384@35", (1, 288, 35, 35), (384, 288, 3, 3), {"stride": 2}),
    Layer("first", "Inception-v3", "1x7 128@17 valid", (1, 128, 17, 17), (128, 128, 1, 7)),
    Layer("first", "Inception-v3", "1x7 192@17", (1, 192, 17, 17), (192, 192, 1, 7), {"padding": (0, 3)}),
]

DETECTION = [Layer("3x3", "DCN", f"3x3 {c}@{h}x{w}", (1, c, h, w), (c, c, 3, 3), {"padding": 1})
             for c, h, w in ((128, 100, 167), (256, 50, 84), (512, 25, 42))]

GROUPED = [
    *(square("ResNeXt-50", c, s, 3, stride=d, count=n, groups=32) for c, s, d, n in (
        (128, 56, 1, 3), (256, 56, 2, 1), (256, 28, 1, 3), (512, 28, 2, 1), (512, 14, 1, 5), (1024, 14, 2, 1),
        (1024, 7, 1, 2))),
    *(square("ShuffleNet-v1", c, s, 1, k, groups=3) for c, k, s in (
        (60, 240, 28), (240, 60, 28), (480, 120, 14), (120, 480, 14), (960, 240, 7), (240, 960, 7))),
]

DEPTHWISE = [
    *(depthwise("MobileNet-v2", c, s, 3, d) for c, s, d in (
        (96, 112, 2), (144, 56, 1), (144, 56, 2), (192, 28, 1), (192, 28, 2), (384, 14, 1), (576, 14, 1),
        (576, 14, 2), (960, 7, 1))),
    *(depthwise("EfficientNet-B0", c, s, 5) for c, s in ((240, 28), (480, 14), (672, 14), (1152, 7))),
    *(depthwise("ConvNeXt-T", c, s, 7, count=n) for c, s, n in ((96, 56, 3), (192, 28, 3), (384, 14, 9), (768, 7, 3))),
    depthwise("RepLKNet", 128, 56, 31),
]

DILATED = [Layer("dilated", "DeepLab-v3", f"3x3 r{r} {channels(c, k)}@{s}", (1, c, s, s), (k, c, 3, 3),
                 {"padding": r, "dilation": r}, n)
           for c, k, s, r, n in ((512, 512, 28, 2, 1), (512, 512, 33, 2, 2), (2048, 256, 28, 12, 1),
                                 (2048, 256, 33, 6, 1), (2048, 256, 33, 12, 1), (2048, 256, 33, 18, 1))]

AUDIO = [
    *(Layer("1d", "WaveNet", f"k2 r{r} {channels(c, k)}x{t}", (1, c, t + r), (k, c, 2), given(dilation=r))
      for c, k, t, r in ((32, 64, 16000, 1), (32, 64, 16000, 512), (64, 128, 16000, 64), (32, 32, 84349, 1))),
    Layer("1d", "WaveNet n8", "k2 r64 64x4096", (8, 64, 4096), (64, 64, 2), {"dilation": 64}),
    Layer("1d", "TCN n8", "k9 256x2048", (8, 256, 2048), (256, 256, 9), {"padding": 4}),
    Layer("1d", "raw audio n4", "k16/4 1-64x32000", (4, 1, 32000), (64, 1, 16), {"stride": 4}),
    Layer("1d", "Mamba", "depthwise k4 768x2048", (1, 768, 2048), (768, 1, 4), {"padding": 3, "groups": 768}),
]

VIDEO = [
    *(Layer("3d", network, f"{'x'.join(map(str, r))} {channels(c, k)} {t}@{s}", (1, c, t, s, s), (k, c, *r),
            given(padding=tuple(n // 2 for n in r)))
      for network, c, k, t, s, r in (
          ("C3D", 3, 64, 16, 112, (3, 3, 3)), ("C3D", 64, 128, 8, 56, (3, 3, 3)), ("C3D", 512, 512, 4, 14, (3, 3, 3)),
          ("C3D", 512, 512, 2, 7, (3, 3, 3)), ("I3D", 256, 128, 32, 28, (1, 1, 1)), ("S3D", 64, 64, 8, 56, (1, 3, 3)),
          ("R3D-18", 64, 64, 16, 56, (3, 3, 3)), ("R3D-18", 256, 256, 4, 14, (3, 3, 3)))),
    Layer("3d", "R3D-18", "3x7x7/1,2,2 3-64 16@112", (1, 3, 16, 112, 112), (64, 3, 3, 7, 7),
          {"stride": (1, 2, 2), "padding": (1, 3, 3)}),
    Layer("3d", "X3D", "depthwise 3x3x3 54 16@56", (1, 54, 16, 56, 56), (54, 1, 3, 3, 3),
          {"padding": 1, "groups": 54}),
]

TRANSPOSED = [
    transposed("DCGAN", 100, 512, 1, 4, 1),
    *(transposed("DCGAN", c, k, s, 4, 2, 1) for c, k, s in ((512, 256, 4), (256, 128, 8), (128, 64, 16), (64, 3, 32))),
    transposed("DCGAN n4", 512, 256, 8, 4, 2, 1, batch=4),
    transposed("DCGAN", 1024, 512, 4, 5, 2, 2, 1),
    transposed("U-Net", 1024, 512, 28, 2, 2),
    transposed("U-Net", 128, 64, 64, 2, 2),
    transposed("decoder", 128, 64, 64, 4, 2, 1),
    transposed("ENet", 32, 16, 128, 3, 2, 1, 1),
    *(transposed("FCN", 21, 21, s, r, d) for s, r, d in (
        ((9, 11), 64, 32), ((9, 11), 4, 2), ((18, 22), 32, 16), ((36, 44), 16, 8))),
    transposed("FCN", 21, 21, 32, 16, 8, 4),
]

IMAGE = [square("filter", 1, 2048, r, family="image") for r in (3, 5, 7, 15)]
# fmt: on

ALL = (*RESNET, *VGG, *MOBILENET, *ALEXNET, *INCEPTION, *DETECTION, *GROUPED, *DEPTHWISE, *DILATED, *AUDIO, *VIDEO,
       *TRANSPOSED, *IMAGE, square("DeepLab-v3", 2048, 33, 1, 256))  # fmt: skip
LAYERS = tuple(layer for family in FAMILIES for layer in ALL if layer.family == family)


def select(families=(), match=""):
    """The layers of these families (default all) whose title holds the text, in any case."""
    return [
        layer
        for layer in LAYERS
        if (not families or layer.family in families) and match.lower() in layer.title.lower()
    ]
