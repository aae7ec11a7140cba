"""Arrays, and the base class of the benchmarks that are tables of layers."""

import numpy as np

import fastconv

# the readable backend takes seconds where the others take milliseconds
COMPILED = ("auto", *(b for b in fastconv.backends() if b != "reference"))
AUTO = ("auto",)
FLOATS = ("float32", "float64")
FLOAT32 = ("float32",)


def array(shape, dtype="float32", seed=0):
    """Random samples of any dtype: normal, or small integers."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind in "biu":
        return rng.integers(0, 2 if dtype.kind == "b" else 100, shape).astype(dtype)
    if dtype.kind == "c":
        real = rng.standard_normal((2, *shape), np.float32)
        return (real[0] + 1j * real[1]).astype(dtype)
    return rng.standard_normal(shape, np.float32).astype(dtype)


def compute(call):
    """The result of a call; a backend that cannot make it is no failure but not applicable."""
    try:
        return call()
    except fastconv.BackendNotSupportedError as error:
        raise NotImplementedError(str(error)) from None


class Layer:
    """A function call that writes into ``out``, for each layer of a table, dtype and backend.

    Given as class arguments: ``function``, the name of what is called, and ``layers``, from a name to
    (shape of x, shape of w, keywords).  Only subclasses have something to time.
    """

    param_names = ("layer", "dtype", "backend")

    def __init_subclass__(cls, *, function, layers, dtypes=FLOAT32, backends=AUTO, bias=True):
        cls.params = (tuple(layers), dtypes, backends)
        cls.time_call = cls.run
        cls.function, cls.layers, cls.bias = function, layers, bias

    def setup(self, layer, dtype, backend):
        shape, filters, keywords = self.layers[layer]
        call = getattr(fastconv, self.function)
        operands = [array(shape, dtype), array(filters, dtype, 1)]
        if self.bias:
            transposed = self.function.startswith("conv_transpose")
            outputs = filters[1] * keywords.get("groups", 1) if transposed else filters[0]
            operands.append(array((outputs,), dtype, 2))
        self.call = lambda out=None: call(*operands, out=out, backend=backend, **keywords)
        self.out = compute(self.call)

    def run(self, layer, dtype, backend):
        self.call(out=self.out)
