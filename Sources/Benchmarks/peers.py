"""Times a denoiser in PyTorch, in turns with the program that started it.

    peers.py MODEL BATCH THREADS

Prints one line of JSON, what it is; then answers every line 'WAY MEASURE SECONDS' on standard input
with images a second, the median of repeated batches after two others. Ways: nchw and nhwc, the two
layouts in memory, Float32; bf16, nhwc under autocast. Measures: forward; gradient, of the squared
error with respect to the image; train, a step of Adam with a moving average. `serve.py`, beside this
file, holds the network.
"""
import contextlib
import json
import sys
import time

import torch

import serve

model, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
torch.manual_seed(0)
LAYOUTS = {"nchw": torch.contiguous_format, "nhwc": torch.channels_last, "bf16": torch.channels_last}


class Peer:
    def __init__(self, way):
        served = serve.EDM(model, "cpu")
        self.layout = LAYOUTS[way]
        self.net = served.net.to(memory_format=self.layout)
        self.d = served.sigma_data
        self.cast = lambda: (torch.autocast("cpu", torch.bfloat16) if way == "bf16"
                             else contextlib.nullcontext())
        self.x = torch.randn(batch, *served.shape).contiguous(memory_format=self.layout)
        self.sigma = 0.1 + 2 * torch.arange(batch) / batch
        self.labels = (torch.nn.functional.one_hot(torch.arange(batch) % served.classes,
                                                   served.classes).float()
                       if served.classes else None)
        self.adam, self.average = None, None

    def denoised(self, x):
        s = self.sigma[:, None, None, None]
        norm = (s * s + self.d * self.d).sqrt()
        with self.cast():
            f = self.net(x / norm, self.sigma.log() / 4, self.labels)
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


def rate(work, seconds):
    work(), work()
    times, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds or len(times) < 3:
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    return batch / sorted(times)[len(times) // 2]


peers = {way: Peer(way) for way in LAYOUTS}
print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
for line in sys.stdin:
    way, measure, seconds = line.split()
    peer = peers[way]
    peer.net.requires_grad_(measure == "train")
    print(rate(getattr(peer, measure), float(seconds)), flush=True)
