"""How a long kernel is cut for a stream: the head that is summed directly, and levels of partitions.

A level of size S holds the taps from 2 S on, up to where the next one begins (``_core/streaming.pyx`` tells
why), in partitions of S taps.  Small ones make a short head and large ones few products; the cut with the
smallest predicted time for each sample is found by trying, from the largest level down.
"""

from functools import lru_cache

from .. import _costs
from .._core.fft import radices, smallest, transform

COSTS = (_costs.STREAM_ENDS, _costs.STREAM_PASS, _costs.STREAM_LAST, _costs.STREAM_PRODUCT)
LARGEST = 1 << 20  # samples of a level's period


def uniform(taps, block_size, double):
    """One level, whose partitions are as long as a block."""
    size = max(smallest(double), 1 << (block_size - 1).bit_length())
    return (size,) if taps > 2 * size else ()


@lru_cache(maxsize=64)
def best(taps, block_size, double):
    """The sizes of the levels, ascending; none where the kernel is short."""
    lanes = transform(double, smallest(double), True).lanes
    call = _costs.STREAM_LEVEL * lanes / block_size

    def cost(size, end):
        """Of a vector of samples, for the level of that size up to the tap ``end``."""
        passes, _ = radices(size // lanes)
        ends, step, last, product = COSTS
        return call + 2 * (ends + len(passes) * step + last) + product * -(-(end - 2 * size) // size)

    found, size = {}, smallest(double)
    sizes = []
    while 2 * size < taps and size <= LARGEST:
        sizes.append(size)
        size *= 2
    for size in reversed(sizes):  # the cheapest way to do all taps from 2 * size on
        found[size] = min([(cost(size, taps), (size,))] + [
            (cost(size, 2 * larger) + found[larger][0], (size, *found[larger][1]))
            for larger in sizes if larger > size
        ])  # fmt: skip
    ways = [(taps, ())] + [(2 * size + c, levels) for size, (c, levels) in found.items()]
    return min(ways)[1]


def levels_of(taps, sizes, double):
    """(taps of the head, [(Transform, partitions)])."""
    if not sizes:
        return taps, []
    ends = [2 * size for size in sizes[1:]] + [taps]
    return 2 * sizes[0], [(transform(double, size, True), -(-(end - 2 * size) // size))
                          for size, end in zip(sizes, ends, strict=True)]  # fmt: skip
