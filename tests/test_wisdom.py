"""fastconv.wisdom: what is remembered, what travels in a file, what the environment names."""

import io
import json
import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from test_config import python, said
from tuning import W, X, able, nothing_remembered, problem, tuned  # noqa: F401

import fastconv
from fastconv import _plan, _wisdom, wisdom
from fastconv._core import cpu
from fastconv._problem import Axis

pytestmark = pytest.mark.filterwarnings("error")
assert_equal = np.testing.assert_array_equal


# -- what is remembered ---------------------------------------------------------------------------


def test_keys_tell_problems_apart_and_nothing_else():
    same = [problem(), problem(fill=0.0), problem(fill=0j), problem(fill=-0.0),
            problem(batch=(np.int64(2),)), problem(held=True)]  # fmt: skip
    assert len({_wisdom.key_of(p) for p in same}) == 1
    changes = [{}, {"dtype": np.dtype("f8")}, {"activation": "relu"}, {"has_bias": True},
               {"workspace_limit": 0}, {"workspace_limit": 10**9}, {"kind": "max_pool"},
               {"kind": "deform", "extra": (1, False)}, {"kind": "deform", "extra": (1, True)},
               {"batch": (2, 1)}, {"groups": (2,)}, {"channels": 4}, {"filters": ()}, {"transposed": True},
               {"fill": 1}, {"fill": 1.5}, {"fill": 1j}, {"fill": math.inf}, {"fill": -math.inf},
               {"fill": math.nan}, {"fill": 10**400}, {"fill": complex(math.nan, 1)},
               *({"axes": (a,)} for a in (Axis(9, 3, 7), Axis(9, 3, 4, 2), Axis(9, 2, 7, 1, 2),
                                          Axis(9, 3, 8, before=1), Axis(9, 3, 8, after=1),
                                          Axis(9, 3, 7, mode="reflect"), Axis(9, 3, 16, upsample=2)))]  # fmt: skip
    keys = [_wisdom.key_of(problem(**c)) for c in changes]
    assert len(set(keys)) == len(keys)
    assert all(key.split(" ")[0] == cpu.isa for key in keys)
    assert all(_wisdom.key_of(problem(**c)) == k for c, k in zip(changes, keys, strict=True))


def test_the_table_is_bounded(monkeypatch):
    monkeypatch.setattr(_wisdom, "SIZE", 3)
    for n in range(5, 12):
        fastconv.convolve(np.ones(n), np.ones(3), backend="tune")
    sizes = [e.problem["geometry"]["axes"][0]["size"] for e in wisdom.entries()]
    assert sizes == [9, 10, 11]


def test_entries_are_copies():
    fastconv.conv2d(X, W, backend="tune")
    (entry,) = wisdom.entries()
    text = wisdom.export_wisdom()
    entry.seconds.clear()
    entry.problem["geometry"].clear()
    assert wisdom.export_wisdom() == text
    assert isinstance(entry, wisdom.Entry)


def test_threads_that_tune_the_sameproblem():
    start = threading.Barrier(6)
    wanted = fastconv.conv2d(X, W, backend="reference")

    def work(_):
        start.wait()
        y = fastconv.conv2d(X, W, backend="tune")
        return y, fastconv.explain("conv2d", X, W, backend="tune").backend

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(work, range(6)))
    (entry,) = wisdom.entries()
    for y, backend in found:
        assert_equal(y, wanted)
        assert backend == entry.backend


def test_the_first_of_two_results_stays():
    mine, winner = problem(), _wisdom.Winner("direct", {"direct": 1.0, "im2col": 2.0}, 1)
    assert _wisdom.keep(mine, winner) is winner
    other = _wisdom.Winner("im2col", {"direct": 2.0, "im2col": 1.0}, 1)
    assert _wisdom.keep(mine, other) is winner
    assert _wisdom.find(mine) is winner


def test_caches_keep_nothing_from_before_they_were_emptied():
    cache = _plan.Cache(4)

    def make():
        cache.clear()
        return "old"

    assert cache.get("key", make) == "old"
    assert len(cache) == 0
    assert cache.get("key", lambda: "new") == "new"
    assert cache.get("key", make) == "new"


# -- files ----------------------------------------------------------------------------------------


def test_export_and_import(monkeypatch, tmp_path):
    text, before = tuned(monkeypatch), wisdom.entries()
    path = tmp_path / "a file"
    assert wisdom.export_wisdom(path) is None
    assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]
    assert [e.backend for e in before] == ["im2col"] * 2
    with open(path) as as_text, open(path, "rb") as as_bytes:
        for source in (text, "\n " + text, path, str(path), as_text, as_bytes, io.StringIO(text)):
            wisdom.forget_wisdom()
            assert fastconv.explain("conv2d", X, W).reason.startswith("lowest predicted")
            assert wisdom.import_wisdom(source) == 2
            assert wisdom.entries() == before
            e = fastconv.explain("conv2d", X, W)
            assert (e.backend, e.reason[:8]) == ("im2col", "measured")
    assert wisdom.export_wisdom() == text
    document = json.loads(text)
    assert document["cpu"]
    assert (document["isa"], document["fastconv"]) == (cpu.isa, fastconv.__version__)


def test_import_replaces(monkeypatch):
    text = tuned(monkeypatch, "direct")
    assert wisdom.import_wisdom(text.replace('"backend": "direct"', '"backend": "im2col"')) == 2
    assert {e.backend for e in wisdom.entries()} == {"im2col"}
    assert wisdom.import_wisdom(text) == 2
    assert fastconv.explain("conv2d", X, W).backend == "direct"


@pytest.mark.parametrize(("name", "value"), [("cpu", "Z80"), ("isa", "mmx"), ("fastconv", "0.0.0"),
                                             ("cpu", None), ("isa", 5)])  # fmt: skip
def test_wisdom_of_another_machine(monkeypatch, name, value):
    document = json.loads(tuned(monkeypatch)) | {name: value}
    wisdom.forget_wisdom()
    with pytest.warns(UserWarning, match=rf"0 entries taken, 2 left out .*{name} {value!r}") as caught:
        assert wisdom.import_wisdom(json.dumps(document)) == 0
    assert caught[0].filename == __file__
    assert wisdom.entries() == ()


def test_entries_that_say_nothing_here(monkeypatch):
    document = json.loads(tuned(monkeypatch))
    wisdom.forget_wisdom()
    first, second = document["entries"]
    first["backend"] = "quantum"
    first["seconds"]["quantum"] = 1e-9
    with pytest.warns(UserWarning, match=r"1 entries taken, 1 left out .*'quantum'"):
        assert wisdom.import_wisdom(json.dumps(document)) == 1
    second["problem"]["colour"] = "red"
    with pytest.warns(UserWarning, match="2 left out"):
        assert wisdom.import_wisdom(json.dumps(document)) == 0


GOOD = {"problem": {}, "backend": "direct", "seconds": {"direct": 1.0}, "threads": 1}
SPOILT = [{n: v for n, v in GOOD.items() if n != name} for name in GOOD] + [
    GOOD | change
    for change in ({"problem": []}, {"backend": 5}, {"backend": "im2col"}, {"seconds": [1]}, {"threads": 0},
                   {"seconds": {"direct": "1"}}, {"seconds": {"direct": -1}}, {"seconds": {"direct": True}},
                   {"seconds": {"direct": None}}, {"seconds": {"direct": 1e300}}, {"threads": True},
                   {"threads": 1.5}, {"threads": "2"}, {"problem": None})
]  # fmt: skip
HEAD = {"format": "fastconv wisdom", "version": 1, "fastconv": "0", "cpu": "", "isa": "", "entries": []}
BAD = ["", "{", "[]", "[1, 2]", "{}", '{"format": "fastconv wisdom"}', "[" * 100_000, '"text"', "null",
       '{"entries": [NaN]}', "\0\0", json.dumps(HEAD | {"format": "fftw"}),
       json.dumps(HEAD | {"version": 2}), json.dumps(HEAD | {"version": "1"}),
       json.dumps(HEAD | {"version": None}), json.dumps(HEAD | {"entries": {}}),
       json.dumps(HEAD)[:-1], json.dumps(HEAD).replace("[]", "[Infinity]"),
       json.dumps(HEAD | {"entries": [5]}), json.dumps(HEAD | {"entries": [None]}),
       json.dumps(HEAD)[:-1] + ', "x": ' + "9" * 5000 + "}",
       *(json.dumps(HEAD | {"entries": [GOOD, entry]}) for entry in SPOILT)]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_bad_text(monkeypatch, tmp_path, text):
    good = tuned(monkeypatch)
    path = tmp_path / "bad"
    path.write_text(text)
    for source in (path, str(path), io.StringIO(text), io.BytesIO(text.encode())):
        with pytest.raises(ValueError, match=r"wisdom|entr"):
            wisdom.import_wisdom(source)
    if text[:1] in ("{", "["):
        with pytest.raises(ValueError, match="the text"):
            wisdom.import_wisdom(text)
    assert wisdom.export_wisdom() == good


def test_bad_sources(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00wisdom")
    with pytest.raises(ValueError, match="binary"):
        wisdom.import_wisdom(tmp_path / "binary")
    with pytest.raises(ValueError, match="wisdom"):
        wisdom.import_wisdom(io.BytesIO(b"\xff"))
    with pytest.raises(OSError, match="missing"):
        wisdom.import_wisdom(tmp_path / "missing")
    with pytest.raises(OSError, match=r"No such file|Is a directory"):
        wisdom.import_wisdom("")
    for bad in (None, 5, {}, [HEAD]):
        with pytest.raises(TypeError, match=type(bad).__name__):
            wisdom.import_wisdom(bad)


def test_a_file_is_written_whole_or_not_at_all(monkeypatch, tmp_path):
    text, path = tuned(monkeypatch), tmp_path / "wisdom.json"
    path.write_text("before")

    def fail(*_):
        raise OSError("the disk is full")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as m, pytest.raises(OSError, match="full"):
            m.setattr(os, name, fail)
            wisdom.export_wisdom(path)
        assert path.read_text() == "before"
        assert list(tmp_path.iterdir()) == [path]
    link = tmp_path / "link"
    link.symlink_to(path)
    wisdom.export_wisdom(str(link))
    assert link.is_symlink()
    assert path.read_text() == text
    with pytest.raises(OSError, match="nowhere"):
        wisdom.export_wisdom(tmp_path / "nowhere" / "wisdom.json")
    with pytest.raises(TypeError):
        wisdom.export_wisdom(5)


# -- the environment ------------------------------------------------------------------------------

CHOOSE = """if True:
    import numpy as np, fastconv
    x, w = np.ones((2, 3, 10, 10), np.float32), np.ones((4, 3, 3, 3), np.float32)
    for _ in range(3):
        assert (fastconv.conv2d(x, w) == 27).all()
    fastconv.max_pool1d(np.ones((1, 1, 9)), 2)
    print(fastconv.explain("conv2d", x, w).backend, len(fastconv.wisdom.entries()))
"""


def test_a_file_named_by_the_environment(monkeypatch, tmp_path):
    plain = f"{fastconv.explain('conv2d', X, W).backend} 0"
    assert said(CHOOSE, FASTCONV_ISA=cpu.isa) == plain
    other = able("conv2d", X, W)[-1]
    tuned(monkeypatch, other)
    wisdom.export_wisdom(tmp_path / "good")
    assert said(CHOOSE, FASTCONV_ISA=cpu.isa, **{_wisdom.VARIABLE: str(tmp_path / "good")}) == f"{other} 2"
    assert said(CHOOSE, HOME=str(tmp_path), FASTCONV_ISA=cpu.isa, **{_wisdom.VARIABLE: "~/good"}) == f"{other} 2"
    for nothing in ("", str(tmp_path / "missing")):
        assert said(CHOOSE, FASTCONV_ISA=cpu.isa, **{_wisdom.VARIABLE: nothing}) == plain
    forget = CHOOSE.replace("fastconv\n", "fastconv; fastconv.wisdom.forget_wisdom()\n", 1)
    assert said(forget, FASTCONV_ISA=cpu.isa, **{_wisdom.VARIABLE: str(tmp_path / "good")}) == plain


@pytest.mark.parametrize("bad", ["garbage", "foreign", "a folder", "binary"])
def test_a_bad_file_is_warned_of_once(monkeypatch, tmp_path, bad):
    path = tmp_path / "wisdom"
    if bad == "a folder":
        path.mkdir()
    else:
        text = tuned(monkeypatch).replace(cpu.isa, "mmx")
        path.write_bytes({"garbage": b"{]", "binary": b"\xff\xff", "foreign": text.encode()}[bad])
    run = python(CHOOSE, FASTCONV_ISA=cpu.isa, **{_wisdom.VARIABLE: str(path)})
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == said(CHOOSE, FASTCONV_ISA=cpu.isa)
    assert run.stderr.count("Warning") == 1, run.stderr
    assert "FASTCONV_WISDOM=" in run.stderr
    assert str(path) in run.stderr
