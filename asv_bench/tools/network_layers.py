"""Every layer of published networks: calls and plans against PyTorch, and every backend against the rest.

usage: python asv_bench/tools/network_layers.py [NETWORK]... [--threads T] [--images N] [--file TIMES.json] [--backends NAME...]

Networks are those of timm (installed apart: pip install timm), run without numbers (PyTorch's "meta" device) while
their convolutions are written down; by default some of every family. Results are compared too. Prints the layers
that are slowest beside PyTorch, the sums over each network, and how far "auto" is from the best of --backends.
"""

import argparse
import json
import math
import os

NETWORKS = """resnet50 resnext50_32x4d regnety_016 res2net50_26w_4s densenet121 inception_v4 xception41 dla34 hrnet_w18
mobilenetv2_100 mobilenetv3_large_100 mobilenetv4_conv_medium efficientnet_b0 tf_efficientnetv2_s mixnet_s ghostnet_100
convnext_tiny convnextv2_nano repvgg_b0 nfnet_l0 vgg16_bn darknet53 cspdarknet53 edgenext_small fastvit_t8 starnet_s2
inception_next_tiny poolformer_s12 levit_128 coatnet_0_rw_224 vit_base_patch16_224 swin_tiny_patch4_window7_224 pvt_v2_b1
convmixer_768_32 visformer_small mambaout_tiny rdnet_tiny""".split()

options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
options.add_argument("networks", nargs="*", default=NETWORKS)
options.add_argument("--threads", type=int, default=2)
options.add_argument("--images", type=int, default=1, help="a batch of so many")
options.add_argument("--file", default="", help="keep the times there")
options.add_argument("--backends", nargs="*", default=[], help="plans of these are timed as well")
options.add_argument("--worst", type=int, default=25)
OPTIONS = options.parse_args()
os.environ["OMP_NUM_THREADS"] = str(OPTIONS.threads)

import numpy as np  # noqa: E402
import timm  # noqa: E402
import torch  # noqa: E402
from torch.overrides import TorchFunctionMode  # noqa: E402

import fastconv  # noqa: E402
from fastconv._bench_timing import geomean, race  # noqa: E402

SLICE, ROUNDS, AGAIN = 0.012, 4, 8  # seconds of a turn, and rounds of all layers and of those that seem slow
CLOSE = 2e-5  # of the largest result


class Recorder(TorchFunctionMode):
    """Writes down the convolutions that are called inside."""

    def __init__(self):
        super().__init__()
        self.layers = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name, given = getattr(function, "__name__", ""), kwargs or {}
        if name in ("conv1d", "conv2d", "conv3d"):
            given = dict(zip(("input", "weight", "bias", "stride", "padding", "dilation", "groups"), args, strict=False)) | given
            rank = int(name[4])
            keywords = {n: _tuple(given.get(n, d), rank) for n, d in (("stride", 1), ("padding", 0), ("dilation", 1))}
            self.layers.append((name, tuple(given["input"].shape), tuple(given["weight"].shape),
                                given.get("bias") is not None, {**keywords, "groups": given.get("groups", 1)}))  # fmt: skip
        return function(*args, **(kwargs or {}))


def _tuple(value, rank):
    return (value,) * rank if isinstance(value, int) else value if isinstance(value, str) else tuple(value)


def layers_of(network):
    """The convolutions of a network, in order."""
    with torch.device("meta"), torch.no_grad(), Recorder() as recorder:
        model = timm.create_model(network).eval()
        model(torch.empty(OPTIONS.images, *model.default_cfg["input_size"]))
    return recorder.layers


def contestants(name, x_shape, w_shape, biased, keywords):
    """{what: a function without arguments} of a layer; results are compared on the way."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(x_shape, np.float32), rng.standard_normal(w_shape, np.float32)
    w /= math.sqrt(math.prod(w_shape[1:]))
    bias = rng.standard_normal(w_shape[0], np.float32) if biased else None
    tensors = [None if a is None else torch.from_numpy(a) for a in (x, w, bias)]
    peer, ours = getattr(torch.nn.functional, name), getattr(fastconv, name)
    found = {"torch": lambda: peer(*tensors, **keywords), "call": lambda: ours(x, w, bias, **keywords)}
    for backend in ("auto", *OPTIONS.backends):
        try:
            plan = fastconv.plan(w, bias, input_shape=x_shape, backend=backend, **keywords)
        except fastconv.BackendNotSupportedError:
            continue
        out = np.empty(plan.output_shape, np.float32)
        found[backend] = lambda plan=plan, out=out: plan(x, out=out)
    wanted = found["torch"]().numpy()
    for what, function in found.items():
        error = abs(np.asarray(function()) - wanted).max() / abs(wanted).max()
        if not error < CLOSE:
            print(f"DIFFERENT by {error:.1e}: {what} {name} {x_shape} {w_shape} {keywords}")
    return found


def times_of(layer):
    functions = contestants(*layer)
    best = race(functions, ROUNDS, ROUNDS * SLICE * len(functions))
    if best["torch"] < max(best["call"], best["auto"]):
        again = race(functions, AGAIN, AGAIN * SLICE * len(functions))
        best = {what: min(t, again[what]) for what, t in best.items()}
    return best


def report(networks, times):
    """Layers from the slowest on, networks, and what "auto" loses."""
    for what in ("auto", "call"):
        ratios = {key: t["torch"] / t[what] for key, t in times.items()}
        slow = sum(r < 0.95 for r in ratios.values())
        print(f"\n{what}: {geomean(ratios.values()):.2f} times PyTorch over {len(ratios)} layers, {slow} below 0.95; the slowest:")
        for key in sorted(ratios, key=ratios.get)[: OPTIONS.worst]:
            print(f"  {ratios[key]:5.2f}  {times[key]['torch'] * 1e6:8.0f} us  {key}")
    print("\nsums over networks: call, plan")
    for network, keys in networks.items():
        peer, call, plan = (sum(times[key][what] for key in keys) for what in ("torch", "call", "auto"))
        print(f"  {peer / call:5.2f} {peer / plan:5.2f}  {network}")
    if OPTIONS.backends:
        others = [min(t[b] for b in ("auto", *OPTIONS.backends) if b in t) for t in times.values()]
        print(f"\nauto over the best: {geomean([t['auto'] / best for t, best in zip(times.values(), others, strict=True)]):.3f}")


def main():
    torch.set_num_threads(OPTIONS.threads)
    fastconv.set_num_threads(OPTIONS.threads)
    networks, layers = {}, {}
    for network in OPTIONS.networks:
        found = [layer for layer in layers_of(network) if not isinstance(layer[4]["padding"], str)]
        layers |= {str(layer): layer for layer in found}
        networks[network] = [str(layer) for layer in found]
    with torch.inference_mode():
        times = {key: times_of(layer) for key, layer in layers.items()}
    if OPTIONS.file:
        with open(OPTIONS.file, "w") as file:
            json.dump(times, file, indent=1)
    report(networks, times)


if __name__ == "__main__":
    main()
