"""Random calls of every function, with the results that they must give: ``draw_case(seed, number)``."""

import math
from functools import partial
from typing import NamedTuple

import numpy as np
from problems import DTYPES, Case, Draw, Expected, Types, finish, linear, spread

import fastconv
from fastconv import _reference as ref

BOUNDARIES = {"fill": "fill", "wrap": "circular", "symm": "symm", "reflect": "reflect",
              "nearest": "replicate"}  # fmt: skip


# -- layers -------------------------------------------------------------------------------------------


class Shape(NamedTuple):
    """Spatial part of a layer, one entry per axis."""

    sizes: tuple
    kernel: tuple
    stride: tuple
    dilation: tuple
    padding: tuple = ()  # (before, after)

    @property
    def extents(self):
        return [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]

    def conv(self, x, w, **more):
        return ref.conv(x, w, stride=self.stride, dilation=self.dilation, padding=self.padding, **more)

    def outs(self):
        return tuple((n + sum(p) - e) // s + 1 for n, p, e, s in
                     zip(self.sizes, self.padding, self.extents, self.stride, strict=True))  # fmt: skip


def draw_sizes(d, rank, keywords, kernel=None, dilated=True):
    """A Shape without padding; stride and dilation go to the keywords."""
    most = {1: 7, 2: 4, 3: 3}.get(rank, 2)
    kernel = kernel or d.ints(1, most, rank)
    sizes = list(d.ints(1, {1: 24, 2: 9, 3: 6}.get(rank, 4), rank))
    if d.scale:
        sizes[d.pick(range(rank))] = d.ints(1, 70 if d.scale == 1 else 900 // rank**2, 1)[0]
    steps = {"stride": [1, 1, 1, 2, 3, 5], "dilation": [1, 1, 1, 2, 3] if dilated else [1]}
    for name, options in steps.items():
        steps[name] = tuple(d.pick(options) for _ in range(rank))
        if set(steps[name]) != {1} or (dilated and d.chance(0.1)):
            keywords[name] = spread(d, steps[name])
    return Shape(tuple(sizes), kernel, **steps)


def draw_padding(d, shape, style):
    """(as the user writes it, pairs)."""
    rank, extents = len(shape.sizes), shape.extents
    if style in ("number", "negative", "pairs", "single"):
        least = -2 if style == "negative" else 0
        pads = tuple(d.ints(least, e + 1, 2) for e in extents)
        if style == "number":
            n = pads[0][0]
            return n, ((n, n),) * rank
        if style == "single":
            return spread(d, [b for b, _ in pads]), tuple((b, b) for b, _ in pads)
        return (pads if d.chance(0.5) else [list(p) for p in pads]), pads
    if style == "causal" and rank == 1:
        return style, ((extents[0] - 1, 0),)
    if style in ("full", "causal"):
        return "full", tuple((e - 1, e - 1) for e in extents)
    if style == "valid":
        return style, ((0, 0),) * rank
    totals = [max(0, (-(-n // s) - 1) * s + e - n)
              for n, e, s in zip(shape.sizes, extents, shape.stride, strict=True)]  # fmt: skip
    pads = tuple((t // 2, t - t // 2) for t in totals)
    return style, pads if style == "same" else tuple(p[::-1] for p in pads)


STYLES = ("valid", "number", "number", "negative", "pairs", "single", "full", "causal", "same",
          "same_lower")  # fmt: skip


def draw_shape(d, rank, keywords, upsample=None):
    """A Shape with padding, in samples after upsampling, whose result is not empty."""
    shape = draw_sizes(d, rank, keywords)
    sizes, style = list(shape.sizes), d.pick(STYLES)
    if d.chance(0.02):
        sizes[0] = 0
    while True:
        long = tuple(n * u for n, u in zip(sizes, upsample or (1,) * rank, strict=True))
        shape = shape._replace(sizes=long)
        written, pads = draw_padding(d, shape, style)
        short = [i for i, e in enumerate(shape.extents) if long[i] + sum(pads[i]) < e]
        if not short:
            break
        for i in short:
            sizes[i] += 1
    if style != "valid" or d.chance(0.3):
        keywords["padding"] = written
    return shape._replace(sizes=tuple(sizes), padding=pads)


def draw_transposed(d, rank, keywords):
    """(Shape, output sizes) of a transposed convolution."""
    s = draw_sizes(d, rank, keywords)
    style = d.pick(["none", "same", "same_lower", "pairs", "pairs"])
    if style.startswith("same"):
        keywords["padding"] = style
        totals = [max(0, e - t) for e, t in zip(s.extents, s.stride, strict=True)]
        before = [t // 2 if style == "same" else t - t // 2 for t in totals]
        outs = tuple(n * t for n, t in zip(s.sizes, s.stride, strict=True))
        return s._replace(padding=tuple((b, 0) for b in before)), outs
    extra = (0,) * rank
    if d.chance(0.4):
        extra = tuple(d.pick(range(max(p))) for p in zip(s.stride, s.dilation, strict=True))
        keywords["output_padding"] = spread(d, extra)
    pads = ((0, 0),) * rank
    if style == "pairs":
        pads = keywords["padding"] = tuple(d.ints(-2, 2, 2) for _ in range(rank))
    # as many samples as give at least one output
    sizes = tuple(max(n, 1 - (e + o - sum(p) - 1) // t) for n, t, e, o, p
                  in zip(s.sizes, s.stride, s.extents, extra, pads, strict=True))  # fmt: skip
    outs = tuple((n - 1) * t - sum(p) + e + o for n, t, p, e, o
                 in zip(sizes, s.stride, pads, s.extents, extra, strict=True))  # fmt: skip
    return s._replace(sizes=sizes, padding=pads), outs


def draw_channels(d, depthwise=False):
    """(groups, channels of a group, filters of a group)."""
    if depthwise:
        return *d.ints(1, 39 if d.scale else 5, 1), 1, *d.ints(1, 3, 1)
    if d.scale:
        c, k = d.ints(1, 40, 2)
        return (1, min(c, 12), k) if d.chance(0.8) else (c, 1, max(1, k // 8))
    if d.chance(0.02):
        return d.pick([(1, 0, 2), (1, 2, 0)])
    return d.pick([1, 1, 1, 2, 3]), *d.ints(1, 4, 1), *d.ints(1, 7, 1)


def draw_x(d, keywords, channels, sizes, dtype):
    """(canonical x, how canonical arrays look to the user): batch, layout and views."""
    n = d.pick([0, 2, 3, 3, 9]) if d.chance(0.25) else 1
    batched, last = n != 1 or d.chance(0.7), d.chance(0.35)
    if last:
        keywords["layout"] = "channels_last"
    x = d.numbers((n, channels, *sizes), dtype)
    if last and d.chance(0.6):
        x = np.moveaxis(np.moveaxis(x, 1, -1).copy(), -1, 1)
    else:
        x = d.view(x)

    def arrange(a):
        a = a if batched else a[0]
        return np.moveaxis(a, -a.ndim + batched, -1) if last else a

    return x, arrange


def grouped(types, x, w, groups, transposed=False):
    """Oracle's operands: x (N, G, C, *S) and w (G, K, C, *kernel)."""
    x, w = types.lift(x), types.lift(w)
    x = x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
    w = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    return x, w.swapaxes(1, 2) if transposed else w


def ungrouped(y):
    return y.reshape(y.shape[0], y.shape[1] * y.shape[2], *y.shape[3:])


def draw_tail(d, keywords, filters, dtype, types_of):
    """(bias or None, types, activation): the last things that every layer draws."""
    bias = d.array((filters,), dtype) if d.chance(0.4) else None
    types = types_of(keywords, [] if bias is None else [bias.dtype])
    if d.chance(0.3) and types.dtype.kind not in "bc":
        names = ["relu", "relu6", "leaky_relu", "silu", "gelu", "sigmoid", "tanh"]
        keywords["activation"] = d.pick(names[:2] if types.dtype.kind in "iu" else names)
    return bias, types, keywords.get("activation")


def layer(d, name, rank):
    """conv, depthwise_conv, pointwise_conv, resize_conv and conv_transpose."""
    keywords, dtypes, run = {}, d.dtypes(3), None
    groups, c, k = draw_channels(d, name == "depthwise_conv")
    if name == "pointwise_conv":
        s = draw_sizes(d, rank, keywords, (1,) * rank, dilated=False)
        s = s._replace(padding=((0, 0),) * rank)
        run = s.conv
    elif name == "conv_transpose":
        s, outs = draw_transposed(d, rank, keywords)
        run = partial(ref.conv_transpose, stride=s.stride, dilation=s.dilation, padding=s.padding,
                      output_shape=outs)  # fmt: skip
    else:
        upsample = d.ints(1, 3, rank) if name == "resize_conv" else None
        s, mode = draw_shape(d, rank, keywords, upsample), "zeros"
        if d.chance(0.4) and 0 not in s.sizes:
            mode = keywords["padding_mode"] = d.pick(["reflect", "replicate", "circular"])
        if upsample:
            keywords["scale"] = spread(d, upsample)
        run = partial(s.conv, mode=mode, upsample=upsample)
    if name != "depthwise_conv" and (groups > 1 or d.chance(0.1)):
        keywords["groups"] = groups
    transposed = name == "conv_transpose"
    x, arrange = draw_x(d, keywords, groups * c, s.sizes, dtypes[0])
    w = d.array((*((groups * c, k) if transposed else (groups * k, c)), *s.kernel), dtypes[1])
    bias, types, activation = draw_tail(d, keywords, groups * k, dtypes[2], lambda words, more:
                                        d.types(words, [x.dtype, w.dtype, *more]))  # fmt: skip
    xs, ws = grouped(types, x, w, groups, transposed)
    if name != "pointwise_conv" and d.chance(0.2):
        keywords["flip"] = True
        ws = ws[(..., *(slice(None, None, -1),) * rank)]
    y = finish(types, linear(types, run, xs, ws).map(ungrouped), bias, activation)
    x = arrange(x)
    if name == "pointwise_conv" and rank == max(1, x.ndim - 2) and d.chance(0.5):
        w = w.reshape(w.shape[:2])
    function = name if name == "pointwise_conv" else f"{name}{rank}d"
    if name == "conv" and (rank > 3 or d.chance(0.1)):
        function = "conv"
    args = [x, w] if bias is None else [x, w, bias]
    return Case(function, args, types, [y.map(arrange)], keywords).with_out(d)


def separable(d, rank):
    keywords, dtypes = {}, d.dtypes(4)
    channels, _, multiplier = draw_channels(d, True)
    filters = d.ints(1, 9, 1)[0]
    s = draw_shape(d, rank, keywords)
    x, arrange = draw_x(d, keywords, channels, s.sizes, dtypes[0])
    first = d.array((channels * multiplier, 1, *s.kernel), dtypes[1])
    second = d.array((filters, channels * multiplier), dtypes[2])
    bias, types, activation = draw_tail(d, keywords, filters, dtypes[3], lambda words, more:
                                        d.types(words, [a.dtype for a in (x, first, second)] + more))  # fmt: skip
    middle = linear(types, s.conv, *grouped(types, x, first, channels)).map(ungrouped)
    middle, error, _ = finish(types, middle)
    ones = (1,) * rank
    mix = Shape((), ones, ones, ones, ((0, 0),) * rank).conv
    y = linear(types, mix, middle[:, None], types.lift(second).reshape(1, *second.shape, *ones),
               None if error is None else error[:, None]).map(ungrouped)  # fmt: skip
    y = finish(types, y, bias, activation).map(arrange)
    second = second if d.chance(0.5) else second.reshape(*second.shape, *ones)
    args = [arrange(x), first, second, *([] if bias is None else [bias])]
    return Case(f"separable_conv{rank}d", args, types, [y], keywords).with_out(d)


def causal(d):
    keywords, dtypes = {}, d.dtypes(4)
    channels, taps, n = *d.ints(1, 6, 2), d.pick([0, 1, 1, 2])
    x = d.array((n, channels, d.pick(range(24))), dtypes[0])
    w = d.array((channels, 1, taps), dtypes[1])
    state = d.array((n, channels, taps - 1), dtypes[2]) if d.chance(0.6) else None
    given = [] if state is None else [state.dtype]
    bias, types, activation = draw_tail(d, keywords, channels, dtypes[3], lambda words, more:
                                        d.types(words, [x.dtype, w.dtype, *given, *more]))  # fmt: skip
    before = np.zeros((n, channels, taps - 1), x.dtype.newbyteorder("=")) if state is None else state
    long = np.concatenate([types.lift(before), types.lift(x)], axis=-1)
    s = Shape((), (taps,), (1,), (1,), ((0, 0),))
    y = linear(types, s.conv, long[:, :, None], types.lift(w)[:, None]).map(ungrouped)
    kept = np.concatenate([before, x], axis=-1)[..., x.shape[-1] :]
    if state is not None:
        keywords["state"] = state
    w = w if d.chance(0.5) else w[:, 0]
    args = [x, w, *([] if bias is None else [bias])]
    return Case("causal_conv1d", args, types, [finish(types, y, bias, activation), Expected(kept)],
                keywords)  # fmt: skip


def deform(d, rank):
    keywords = {}
    dtypes = d.dtypes(3, [t for t in DTYPES if t.kind != "b"])
    groups, c, k = draw_channels(d)
    c = max(c, 1)
    offset_groups = d.pick([g for g in range(1, groups * c + 1) if groups * c % g == 0])
    s = draw_shape(d, rank, keywords)
    outs, taps = s.outs(), math.prod(s.kernel)
    x, arrange = draw_x(d, keywords, groups * c, s.sizes, dtypes[0])
    w = d.array((groups * k, c, *s.kernel), dtypes[1])
    offset = d.rng.uniform(-4, 4, (len(x), offset_groups * rank * taps, *outs))
    if d.chance(0.6) or not all(np.isfinite(a.astype("G")).all() for a in (x, w)):
        offset = np.round(offset * 4) / 4  # exact positions: 0 weights are 0 in every precision
    offset = offset.astype(d.pick([np.dtype(t) for t in "fdg"]))
    mask = None
    if d.chance(0.5):
        mask = d.rng.uniform(0, 1, (len(x), offset_groups * taps, *outs)).astype(offset.dtype)
    if groups > 1:
        keywords["groups"] = groups
    if d.chance(0.3):
        keywords["offset_groups"] = offset_groups
    bias, types, activation = draw_tail(d, keywords, groups * k, dtypes[2], lambda words, more: d.types(
        words, [x.dtype, w.dtype, offset.dtype, *more], floating=True))  # fmt: skip
    xs, ws = grouped(types, x, w, groups)
    real = Types.of(np.empty(0, types.compute).real.dtype)
    where = real.lift(offset).reshape(len(x), offset_groups, taps, rank, *outs)
    factor = None if mask is None else real.lift(mask).reshape(len(x), offset_groups, taps, *outs)

    def run(samples, weights):
        parts = [ref.deform_conv(
            ungrouped(samples[:, i : i + groups]), where, weights[i : i + groups], factor, stride=s.stride,
            dilation=s.dilation, padding=s.padding, offset_groups=offset_groups,
        ) for i in range(0, len(weights), groups)]  # fmt: skip
        return np.concatenate(parts, axis=1)

    y, tol, _ = linear(types, run, xs, ws).map(ungrouped)
    # each corner's weight is off by a few u times the largest coordinate
    reach = 8 + max([0, *s.sizes, *(sum(p) + n for p, n in zip(s.padding, s.sizes, strict=True))])
    largest = np.max(abs(xs), where=np.isfinite(xs), initial=0)
    sums = np.sum(abs(ws), axis=tuple(range(2, ws.ndim)), where=np.isfinite(ws)).reshape(-1)
    error = 4 * types.unit * reach * rank * 2**rank * largest * sums
    y = Expected(y, tol * 2**rank + error.reshape(-1, *(1,) * rank))
    y = finish(types, y, bias, activation).map(arrange)
    if x.shape[0] == 1 and arrange(x).ndim == rank + 1:
        offset, mask = offset[0], None if mask is None else mask[0]
    if mask is not None:
        keywords["mask"] = d.view(mask, writable=True)
    args = [arrange(x), d.view(offset, writable=True), w, *([] if bias is None else [bias])]
    return Case(f"deform_conv{rank}d", args, types, [y], keywords).with_out(d)


def pool(d, name, rank):
    keywords, average = {}, name == "avg_pool"
    allowed = DTYPES if average else [t for t in DTYPES if t.kind != "c"]
    dtype = d.dtypes(1, allowed)[0]
    if dtype not in allowed:
        dtype = np.dtype("f4")
    s = draw_sizes(d, rank, keywords, dilated=not average)
    keywords["stride"] = spread(d, s.stride)
    if s.stride == s.kernel and d.chance(0.8):
        del keywords["stride"]
    style = d.pick(["none", "number", "pairs", "negative", "full", "same"])
    pads = ((0, 0),) * rank
    if style in ("full", "same"):
        keywords["padding"], pads = draw_padding(d, s, style)
    elif style != "none":
        least = -1 if style == "negative" else 0
        pads = tuple(d.ints(least, e // 2, 2) for e in s.extents)
        pads = keywords["padding"] = pads if style != "number" else ((min(map(min, pads)),) * 2,) * rank
    sizes = tuple(max(n, e - sum(p)) for n, e, p in zip(s.sizes, s.extents, pads, strict=True))
    if style == "same":
        keywords["padding"], pads = draw_padding(d, s._replace(sizes=sizes), style)
    s = s._replace(sizes=sizes, padding=pads)
    ceil = d.chance(0.3)
    if ceil:
        keywords["ceil_mode"] = True
    x, arrange = draw_x(d, keywords, d.ints(1, 5, 1)[0], s.sizes, dtype)
    types = d.types(keywords, [x.dtype], floating=average)
    if types.dtype.kind == "c" and not average:
        del keywords["dtype"]
        types = Types.of(dtype)
    # cropping is cropping: the reference sees what is left, with padding alone
    inside = x[(..., *(slice(max(0, -b), n + min(0, a)) for n, (b, a) in zip(s.sizes, pads, strict=True)))]
    pads = tuple((max(0, b), max(0, a)) for b, a in pads)
    left = s._replace(sizes=inside.shape[2:], padding=pads)
    outs = left.outs()
    if ceil:
        spans = [n + sum(p) - e for n, p, e in zip(left.sizes, pads, s.extents, strict=True)]
        outs = tuple(-(-span // t) + 1 for span, t in zip(spans, s.stride, strict=True))
        outs = tuple(o - ((o - 1) * t >= n + b) for o, t, n, (b, _) in
                     zip(outs, s.stride, left.sizes, pads, strict=True))  # fmt: skip
    words = {"kernel": s.kernel, "stride": s.stride, "padding": pads, "output_shape": outs}
    y = _pooled(d, types, inside, words, s.dilation, average, keywords)
    y = y.map(lambda a: arrange(a.reshape(*x.shape[:2], *outs)))
    return Case(f"{name}{rank}d", [arrange(x), spread(d, s.kernel)], types, [y], keywords).with_out(d)


def _pooled(d, types, x, words, dilation, average, keywords):
    rows = types.lift(x).reshape(-1, *x.shape[2:]) if x.size else np.zeros(
        (x.shape[0] * x.shape[1], *x.shape[2:]), types.wide)  # fmt: skip
    if not average:
        y = ref.max_pool(rows, **words, dilation=dilation)
        return finish(types, Expected(y, np.zeros(y.shape) if types.unit else None))
    if d.chance(0.3):
        keywords["count_include_pad"] = False
    if d.chance(0.2):
        keywords["divisor_override"] = d.ints(1, 7, 1)[0]
    words |= {"count_include_pad": keywords.get("count_include_pad", True),
              "divisor_override": keywords.get("divisor_override")}  # fmt: skip
    y = ref.avg_pool(rows, **words)
    tol = (math.prod(words["kernel"]) + 4) * 2 * types.unit * ref.avg_pool(abs(rows), **words)
    return finish(types, Expected(y, tol))


# -- signal style -------------------------------------------------------------------------------------


def signal(d, name):
    keywords, dtypes = {}, d.dtypes(2)
    ndim = d.pick([1, 1, 1, 2, 2, 3, 3, 4, 5])
    count = ndim if d.chance(0.5) else d.ints(1, ndim, 1)[0] if d.chance(0.5) else max(1, ndim - 1)
    axes = tuple(sorted(d.rng.permutation(ndim)[:count].tolist()))
    most = {1: 30, 2: 9, 3: 5}.get(count, 4)
    others = 12 if ndim < 4 and d.chance(0.5) else 3
    shapes = [list(d.ints(1, most if i in axes else others, 2)) for i in range(ndim)]
    if d.scale and ndim < 3:
        shapes[axes[0]][0] = d.ints(1, 70 if d.scale == 1 else 4000 // count**3, 1)[0]
    mode = d.pick(["full", "same", "valid"])
    for i, (n, m) in enumerate(shapes):
        if i in axes and mode == "valid":  # mostly the first is longer, sometimes the second
            shapes[i] = [max(n, m), min(n, m)]
        elif i not in axes:
            shapes[i] = d.pick([[n, 1], [n, 1], [1, n], [0, 0] if d.chance(0.1) else [n, n]])
    if mode == "valid" and d.chance(0.3):
        shapes = [s[::-1] if i in axes else s for i, s in enumerate(shapes)]
    a_shape, v_shape = ([s[i] for s in shapes] for i in range(2))
    if count < ndim or d.chance(0.1):
        keywords["axes"] = [i - ndim if d.chance(0.3) else i for i in axes]
        if count == 1 and d.chance(0.5):
            keywords["axes"] = keywords["axes"][0]
        if min(axes) > 0 and v_shape[0] == 1 and d.chance(0.3):
            v_shape = v_shape[1:]
    a, v = d.array(a_shape, dtypes[0]), d.array(v_shape, dtypes[1])
    types = d.types(keywords, [a.dtype, v.dtype])
    boundary, fill = "fill", 0
    if d.chance(0.4):
        boundary = keywords["boundary"] = d.pick(list(BOUNDARIES))
    if boundary == "fill" and d.chance(0.15):
        fill = 1 if types.dtype.kind in "bu" else -3 if types.dtype.kind == "i" else 0.5
        keywords["fillvalue"] = fill
    if mode != "full" or d.chance(0.3):
        keywords["mode"] = mode
    y = _convolved(types, a, v, mode, axes, BOUNDARIES[boundary], fill, name == "correlate")
    return Case(name, [a, v], types, [finish(types, y)], keywords).with_out(d)


def _convolved(types, a, v, mode, axes, boundary, fill, correlate):
    """The definition: pad a, slide the flipped v over it, cut the mode's part out."""
    a = types.lift(a)
    v = types.lift(v).reshape((1,) * (a.ndim - v.ndim) + v.shape)
    backwards = tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(a.ndim))
    if not correlate:
        v = v[backwards]
    elif types.wide.kind == "c":
        v = v.conj()
    if mode == "valid" and any(a.shape[i] < v.shape[i] for i in axes):
        a, v = v[backwards], a[backwards]
    rest = [i for i in range(a.ndim) if i not in axes]
    shape = np.broadcast_shapes(*([s[i] for i in rest] for s in (a.shape, v.shape)))
    a, v = (np.broadcast_to(z := b.transpose(*rest, *axes), shape + z.shape[len(rest) :]) for b in (a, v))
    x = a.reshape(1, math.prod(shape), 1, *a.shape[len(rest) :])
    w = v.reshape(math.prod(shape), 1, 1, *v.shape[len(rest) :])
    ones, pads = (1,) * len(axes), ((0, 0),) * len(axes)
    if mode != "valid":
        pads = tuple((m - 1, m - 1) for m in w.shape[3:])
    if mode == "same":
        pads = tuple((m - 1 - (m - 1) // 2, (m - 1) // 2) for m in w.shape[3:])
    run = partial(ref.conv, stride=ones, dilation=ones, padding=pads, mode=boundary, fill=fill)
    y, tol, loudest = linear(types, run, x, w)
    if fill and tol is not None:  # the bound saw the fill value with its sign, or not at all
        size = partial(run, fill=abs(fill))(abs(x).astype(x.dtype), abs(w).astype(w.dtype))
        tol = (2 * math.prod(w.shape[3:]) + 2) * 2 * types.unit * size.real
    order = np.argsort(rest + list(axes))
    return Expected(y, tol, loudest).map(lambda b: b.reshape(shape + b.shape[3:]).transpose(order))


# -- all operations -----------------------------------------------------------------------------------

RANKS = (1, 1, 2, 2, 2, 3)
OPERATIONS = {
    "convolve": lambda d: signal(d, "convolve"),
    "correlate": lambda d: signal(d, "correlate"),
    "conv": lambda d: layer(d, "conv", d.pick((*RANKS, 4))),
    "depthwise": lambda d: layer(d, "depthwise_conv", d.pick(RANKS)),
    "pointwise": lambda d: layer(d, "pointwise_conv", d.pick((*RANKS, 4))),
    "resize": lambda d: layer(d, "resize_conv", 2),
    "transpose": lambda d: layer(d, "conv_transpose", d.pick(RANKS)),
    "separable": lambda d: separable(d, d.pick(RANKS)),
    "deform": lambda d: deform(d, d.pick(RANKS)),
    "causal": causal,
    "max_pool": lambda d: pool(d, "max_pool", d.pick(RANKS)),
    "avg_pool": lambda d: pool(d, "avg_pool", d.pick(RANKS)),
}
OFTEN = (*OPERATIONS, "convolve", "correlate", "conv", "conv", "conv", "transpose")


def draw_case(seed, number, operation=None, dtype=None, backend=None):
    """The case of that number; operation, first operand's dtype and backend may be given."""
    d = Draw(seed, number, dtype)
    backends = fastconv.backends()
    drawn = d.pick(["auto", "direct", *backends]), d.pick(OFTEN)
    with np.errstate(all="ignore"):
        case = OPERATIONS[operation or drawn[1]](d)
    case.backend = backend or drawn[0]
    return case
