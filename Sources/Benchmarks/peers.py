"""Times a denoiser in PyTorch and other runtimes, in turns with the program that started it.

    peers.py MODEL BATCH THREADS

Prints one line of JSON: its ways, each with the measures that it can take, and the versions of what
computes; then answers every line 'WAY MEASURE SECONDS' on standard input with images a second, the
median of repeated batches after two others. Ways: torch_nchw and torch_nhwc, the two layouts in
memory, Float32; torch_bf16, nhwc under autocast; torch_compiled, nhwc by torch.compile; onnxruntime
and openvino, the network exported to ONNX, where they are installed. Measures: forward; gradient, of
the squared error with respect to the image; train, a step of Adam with a moving average. `serve.py`,
beside this file, holds the network.
"""
import contextlib
import importlib.util
import io
import json
import sys
import time

import torch

import serve

model, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
torch.manual_seed(0)


class Torch:
    measures = ["forward", "gradient", "train"]

    def __init__(self, channels_last=True, autocast=False, compiled=False):
        served = serve.EDM(model, "cpu")
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.net = served.net.to(memory_format=layout)
        self.f = torch.compile(self.net) if compiled else self.net
        self.d = served.sigma_data
        self.cast = lambda: (torch.autocast("cpu", torch.bfloat16) if autocast
                             else contextlib.nullcontext())
        self.x = torch.randn(batch, *served.shape).contiguous(memory_format=layout)
        self.sigma = 0.1 + 2 * torch.arange(batch) / batch
        self.labels = (torch.nn.functional.one_hot(torch.arange(batch) % served.classes,
                                                   served.classes).float()
                       if served.classes else None)
        self.adam, self.average = None, None

    def inputs(self, x):
        """What the network is given for noised images."""
        norm = (self.sigma**2 + self.d**2).sqrt()[:, None, None, None]
        return x / norm, self.sigma.log() / 4, self.labels

    def denoised(self, x):
        s = self.sigma[:, None, None, None]
        norm = (s * s + self.d * self.d).sqrt()
        with self.cast():
            f = self.f(*self.inputs(x))
        return self.d**2 / norm**2 * x + s * self.d / norm * f

    def forward(self):
        with torch.no_grad():
            self.denoised(self.x)

    def gradient(self):
        x = self.x.clone().requires_grad_(True)
        torch.autograd.grad(((self.denoised(x) - x) ** 2).sum(), x)

    def train(self):
        parameters = list(self.net.parameters())
        if self.adam is None:
            self.adam = torch.optim.Adam(parameters, lr=1e-4)
            self.average = [p.detach().clone() for p in parameters]
        self.adam.zero_grad()
        ((self.denoised(self.x) - self.x) ** 2).mean().backward()
        self.adam.step()
        with torch.no_grad():
            torch._foreach_lerp_(self.average, parameters, 0.001)


class Exported(Torch):
    """The network as ONNX, for a runtime that only evaluates; the rest as in PyTorch."""
    measures = ["forward"]

    def __init__(self, start):
        super().__init__(channels_last=False)
        names = ["x", "noise", "labels"][:2 + (self.labels is not None)]
        given = tuple(v for v in self.inputs(self.x) if v is not None)
        with contextlib.redirect_stdout(sys.stderr):
            program = torch.onnx.export(
                self.net, given if len(given) == 3 else (*given, None), dynamo=True,
                input_names=names, output_names=["f"], verbose=False)
        file = io.BytesIO()
        program.save(file)
        evaluate = start(file.getvalue())
        expected = self.denoised(self.x)
        self.f = lambda *given: evaluate(
            {n: v.contiguous().numpy() for n, v in zip(names, given) if v is not None})
        difference = (self.denoised(self.x) - expected).abs().max()
        if not difference < 1e-3:
            raise ValueError("differs from PyTorch by %g" % difference)


def onnx(file):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda given: torch.from_numpy(session.run(["f"], given)[0])


def openvino(file):
    import openvino as ov
    core = ov.Core()
    compiled = core.compile_model(core.read_model(file), "CPU", {
        "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    return lambda given: torch.from_numpy(request.infer(given)[compiled.output(0)])


def rate(work, seconds):
    work(), work()
    times, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds or len(times) < 3:
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    return batch / sorted(times)[len(times) // 2]


ways = {"torch_nchw": lambda: Torch(channels_last=False), "torch_nhwc": Torch,
        "torch_bf16": lambda: Torch(autocast=True), "torch_compiled": lambda: Torch(compiled=True)}
versions = {"torch": torch.__version__}
if importlib.util.find_spec("onnxscript"):
    for way, start in [("onnxruntime", onnx), ("openvino", openvino)]:
        if importlib.util.find_spec(way):
            ways[way] = lambda start=start: Exported(start)
            versions[way] = importlib.import_module(way).__version__

# What cannot be made here, as torch.compile without a C++ compiler, is left out, and says why.
peers = {}
for way, make in ways.items():
    try:
        peers[way] = make()
        for measure in peers[way].measures:
            peers[way].net.requires_grad_(measure == "train")
            getattr(peers[way], measure)()
    except Exception as error:
        peers.pop(way, None)
        print("peers.py: without %s: %s: %s" % (way, type(error).__name__, error), file=sys.stderr)
print(json.dumps({"ways": {way: peer.measures for way, peer in peers.items()}, "versions": versions}),
      flush=True)
for line in sys.stdin:
    way, measure, seconds = line.split()
    peer = peers[way]
    peer.net.requires_grad_(measure == "train")
    print(rate(getattr(peer, measure), float(seconds)), flush=True)
