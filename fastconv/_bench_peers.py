"""The peers of ``bench layers``: PyTorch's functional calls and ONNX Runtime's sessions of one node.

Both are optional and imported here only, when the command runs. A peer turns a layer and its arrays
into a function without arguments that gives the result (channels first, to be read by
`numpy.asarray`), or says by PeerCannot that
it has no such layer.
"""

import contextlib

from ._bench_timing import reason

OPSET, IR_VERSION = 17, 8  # of the model that ONNX Runtime is given


class PeerCannot(Exception):
    """The peer does not have this layer in this dtype."""


class Torch:
    """``torch.nn.functional`` on channels-first tensors that share the arrays' memory."""

    name, title, package = "torch", "torch", "PyTorch"

    def __init__(self, threads):
        import torch

        self._torch, self._threads = torch, threads
        self.version = torch.__version__

    @contextlib.contextmanager
    def running(self):
        """Inside: so many threads, and no graph for gradients."""
        before = self._torch.get_num_threads()
        self._torch.set_num_threads(self._threads)
        try:
            with self._torch.inference_mode():
                yield
        finally:
            self._torch.set_num_threads(before)

    def prepare(self, layer, x, w, bias):
        """A function that computes the layer."""
        function = getattr(self._torch.nn.functional, layer.function)
        operands = [self._torch.from_numpy(a) for a in (x, w, bias)]
        return lambda: function(*operands, **layer.keywords)


class OnnxRuntime:
    """A session of one Conv or ConvTranspose node with constant weights, as in a loaded model."""

    name, title, package = "ort", "ORT", "ONNX Runtime (ORT)"

    def __init__(self, threads):
        import onnx
        import onnxruntime

        self._onnx, self._runtime, self._threads = onnx, onnxruntime, threads
        self.version = onnxruntime.__version__

    def running(self):
        """Nothing to do: threads belong to the session."""
        return contextlib.nullcontext()

    def prepare(self, layer, x, w, bias):
        """A function that runs the session."""
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            session = self._runtime.InferenceSession(
                self._model(layer, x, w, bias), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of many kinds: no kernel for the dtype, no such rank
            raise PeerCannot(reason(error)) from None
        return lambda: session.run(None, {"x": x})[0]

    def _model(self, layer, x, w, bias):
        """The bytes of a model that is this layer."""
        onnx, helper = self._onnx, self._onnx.helper
        node = helper.make_node(
            "ConvTranspose" if layer.transposed else "Conv", ["x", "w", "b"], ["y"],
            **attributes(layer),
        )  # fmt: skip
        element = helper.np_dtype_to_tensor_dtype(x.dtype)
        graph = helper.make_graph(
            [node], "layer",
            inputs=[helper.make_tensor_value_info("x", element, x.shape)],
            outputs=[helper.make_tensor_value_info("y", element, None)],
            initializer=[onnx.numpy_helper.from_array(w, "w"), onnx.numpy_helper.from_array(bias, "b")],
        )  # fmt: skip
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
        return model.SerializeToString()


def attributes(layer):
    """The attributes of the ONNX node."""

    def each(name, default):
        value = layer.keywords.get(name, default)
        return list(value) if isinstance(value, tuple) else [value] * layer.rank

    found = {
        "strides": each("stride", 1),
        "pads": 2 * each("padding", 0),  # all the befores, then all the afters
        "dilations": each("dilation", 1),
        "group": layer.keywords.get("groups", 1),
    }
    if layer.transposed:
        found["output_padding"] = each("output_padding", 0)
    return found


def installed(threads):
    """(the peers that can be imported, a line for each that cannot)."""
    peers, missing = [], []
    for peer in (Torch, OnnxRuntime):
        try:
            peers.append(peer(threads))
        except (ImportError, OSError) as error:  # OSError: a library that does not load
            missing.append(f"{peer.package} is not measured: {reason(error)}")
    return peers, missing
