"""Every row of the microkernel table, on every ISA of the machine: values, bounds, registers."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fastconv._core import cpu, ukr

KERNELS = Path(__file__).resolve().parent.parent / "fastconv" / "_core" / "kernels"
# number type of a plane by fc_kind; planes 2 for the complex kinds
TYPES = ("u1", "u1", "u2", "u4", "u8", "f4", "f8", "g", "f4", "f8", "g",
         "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", "g")  # fmt: skip
BOOL, COMPLEX, MAXIMUM = 0, (8, 9, 10), range(11, 22)
ROWS = [(isa, row) for isa in cpu.available_isas() for row in cpu.microkernels(isa)]


def numbers(rng, kind, size):
    dtype = np.dtype(TYPES[kind])
    if kind == BOOL:
        return rng.integers(0, 2, size).astype(dtype)
    if dtype.kind in "iu":
        return rng.integers(0, 256, size).astype(dtype)
    return rng.integers(-50, 50, size).astype(dtype)  # small integers: sums are exact


def expected(kind, x, im, w, off, mr, pixels, start):
    """The contract of fc_tap_ukr, literally."""
    out = start.copy()
    window = [x[o : o + pixels] for o in off]
    if kind in MAXIMUM:
        return np.maximum(np.max(window, axis=0), out)
    for t, row in enumerate(window):
        for i in range(mr):
            if kind in COMPLEX:
                other = x[im + off[t] : im + off[t] + pixels]
                re, imag = w[2 * (t * mr + i)], w[2 * (t * mr + i) + 1]
                out[2 * i] += row * re - other * imag
                out[2 * i + 1] += row * imag + other * re
            elif kind == BOOL:
                out[i] |= row & w[t * mr + i]
            else:
                out[i] += row * w[t * mr + i]
    return out


@pytest.mark.parametrize(("isa", "row"), ROWS, ids=[r[0] for _, r in ROWS])
@pytest.mark.parametrize("taps", [1, 2, 7, 33])
@pytest.mark.parametrize("accumulate", [False, True])
def test_microkernel(isa, row, taps, accumulate):
    name, kind, mr, nv, lanes = row
    rng = np.random.default_rng(taps)
    pixels, planes = nv * lanes, 2 if kind in COMPLEX else 1
    reach = 3 * taps + pixels
    x = numbers(rng, kind, 1 + planes * reach)[1:]  # one element off: unaligned
    off = np.sort(rng.integers(0, 3 * taps, taps)).astype(np.int32)
    w = numbers(rng, kind, taps * mr * planes)
    rows, ldc = mr * planes, pixels + 5
    c = numbers(rng, kind, rows * ldc + 3)
    before = c.copy()
    view = np.lib.stride_tricks.as_strided(c[1:], (rows, pixels), (ldc * c.itemsize, c.itemsize))
    start = view.copy() if accumulate else np.zeros_like(view)
    if kind in MAXIMUM and not accumulate:
        start = np.full_like(view, np.iinfo(c.dtype).min if c.dtype.kind in "iu" else -np.inf)
    with np.errstate(over="ignore"):
        want = expected(kind, x, reach, w, off, mr, pixels, start)
    ukr.run(isa, name, off, x, reach, w, c[1:], ldc, accumulate)
    np.testing.assert_array_equal(view, want)
    untouched = np.ones(c.shape, bool)
    np.lib.stride_tricks.as_strided(untouched[1:], view.shape, (ldc, 1))[...] = False
    np.testing.assert_array_equal(c[untouched], before[untouched])


@pytest.mark.parametrize(("isa", "row"), [r for r in ROWS if r[1][1] in (5, 6)], ids=lambda r: r[0] if len(r) == 5 else r)
@pytest.mark.parametrize("taps", [1, 3, 4, 33])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("apart", [0, 5])
def test_straight_into_the_result(isa, row, taps, biased, apart):
    """Weights as they are packed, and (apart) those of each filter so many numbers behind the end of the last one's."""
    name, kind, mr, nv, lanes = row
    rng = np.random.default_rng(taps)
    pixels, reach = nv * lanes, 3 * taps + nv * lanes
    x = numbers(rng, kind, 1 + reach)[1:]
    off = np.sort(rng.integers(0, 3 * taps, taps)).astype(np.int32)
    ldw = taps + apart if apart else 0
    rows = numbers(rng, kind, mr * (taps + apart)).reshape(mr, taps + apart)
    w = rows.ravel()[: (mr - 1) * ldw + taps].copy() if apart else rows.T.ravel()  # nothing behind the last weight
    bias = numbers(rng, kind, mr) if biased else None
    c = numbers(rng, kind, mr * (pixels + 5) + 3)
    before = c.copy()
    if not ukr.store(isa, name, off, x, w, ldw, bias, c[1:], pixels + 5):
        assert (mr, nv) not in ((6, 2), (8, 3), (1, 8))
        return
    view = np.lib.stride_tricks.as_strided(c[1:], (mr, pixels), ((pixels + 5) * c.itemsize, c.itemsize))
    wanted = rows[:, :taps] @ np.array([x[o : o + pixels] for o in off])
    np.testing.assert_array_equal(view, wanted if bias is None else wanted + bias[:, None])
    untouched = np.ones(c.shape, bool)
    np.lib.stride_tricks.as_strided(untouched[1:], view.shape, (pixels + 5, 1))[...] = False
    np.testing.assert_array_equal(c[untouched], before[untouched])


def test_every_kind_has_a_row_for_one_channel():
    for isa in cpu.available_isas():
        kinds = {kind for _, kind, mr, _, _ in cpu.microkernels(isa) if mr == 1}
        assert kinds == set(range(len(TYPES)))


def test_names_say_what_they_are():
    for isa, (name, _, mr, nv, _) in ROWS:
        assert re.fullmatch(rf"fc_[A-Z_0-9]+_tap_ukr_{mr}x{nv}__{isa}", name)


@pytest.mark.parametrize("flags", ["-mavx2 -mfma", "-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma"])
@pytest.mark.parametrize(("family", "least"), [("tap", 24), ("chan", 28), ("indirect", 24)])
def test_float_tiles_stay_in_registers(family, least, flags, tmp_path):
    """GCC spills silently: no vector register of a real float tile may touch the stack."""
    if "x86_64" not in (subprocess.run(["uname", "-m"], capture_output=True, text=True).stdout):
        pytest.skip("x86-64 flags")
    if not shutil.which("gcc") or not shutil.which("objdump"):
        pytest.skip("needs gcc and objdump")
    out = tmp_path / "tiles.o"
    subprocess.run(["gcc", "-O3", "-std=gnu11", "-fno-math-errno", "-DFC_ISA=test", *flags.split(),
                    "-c", str(KERNELS / f"{family}_ukr.c"), "-o", str(out)], check=True)  # fmt: skip
    code = subprocess.run(["objdump", "-d", str(out)], check=True, capture_output=True, text=True)
    spills, name = {}, ""
    for line in code.stdout.splitlines():
        if match := re.match(r"[0-9a-f]+ <(\w+)>:", line):
            name = match[1]
            spills[name] = 0
        elif re.search(r"[yz]mm\d+.*\(%r[sb]p|\(%r[sb]p.*[yz]mm\d+", line):
            spills[name] += 1
    floats = {n: s for n, s in spills.items() if re.match(rf"fc_(F32|F64)_{family}", n)}
    assert len(floats) >= least
    assert not any(floats.values()), {n: s for n, s in floats.items() if s}
