#!/usr/bin/env python3
"""Seconds an image of an attack on the diffusion classifier, Elbow against PyTorch on the same cores.

    .ci/apgd.py .build/release/elbow [--images 4] [--threads 2] [--rounds 3] [--steps 20]

APGD on the margin, l-infinity 8/255, on `dc`, `uniform:10` of linear:1e-4:3:125, weights edm, noise
fresh at each look, of the shipped network. PyTorch (float32, `Sources/Engines/serve.py` holds the
network) makes the same looks, in the ways that one would write:

    all    forward and backward of all classes, as autograd does it
    skip   the losses of all classes without a graph, then those of the two classes that weigh again
    kept   the graph is kept of the true class and the last rival, whose losses are not computed again

The two take turns, as many rounds as asked; printed are the medians. PyTorch's looks follow the sign
of the gradient: what APGD does besides looking takes no time in either. Needs PyTorch and NumPy.
"""
import argparse
import gzip
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Sources/Engines"))
import serve  # noqa: E402

MODEL = ROOT / "Sources/Networks/Models/fashion-mnist-small.safetensors"
DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")
LEVELS = [1e-4 + (3 - 1e-4) * ((2 * j + 1) * 125 // 20) / 125 for j in range(10)]


def bytes_of(name, skipped):
    with gzip.open(DATA / name) as file:
        return numpy.frombuffer(file.read(), numpy.uint8, offset=skipped)


class Classifier:
    def __init__(self, path):
        self.denoiser = serve.EDM(str(path), "cpu")
        self.sigma = torch.tensor(LEVELS)
        density = torch.exp(-((self.sigma.log() + 1.2) ** 2) / 2 / 1.44) / self.sigma
        self.weight = (self.sigma**2 + 0.25) / (self.sigma * 0.5) ** 2 * density

    def logits(self, x, noise, classes):
        """Of some classes, all levels at once: [classes]."""
        k, t = len(classes), len(LEVELS)
        noisy = (x + self.sigma[:, None, None, None] * noise).repeat(k, 1, 1, 1)
        labels = torch.tensor(classes).repeat_interleave(t)
        shift = (self.sigma[:, None, None, None] * noise).repeat(k, 1, 1, 1)
        residual = self.denoiser.correct(noisy, self.sigma.repeat(k), labels) + shift
        return -((residual**2).sum((1, 2, 3)).reshape(k, t) * self.weight).sum(1)

    def look(self, x, y, noise, way, last):
        """The margin's gradient, and the rival."""
        every = list(range(10))
        x = x.clone().requires_grad_(True)
        if way == "all":
            z = self.logits(x, noise, every)
            rival = max((k for k in every if k != y), key=lambda k: z[k].item())
            return torch.autograd.grad(z[rival] - z[y], x)[0], rival
        if way == "kept":
            own = self.logits(x, noise, [y, last])
            others = [k for k in every if k not in (y, last)]
            with torch.no_grad():
                z = dict(zip(others, self.logits(x, noise, others).tolist()))
            rival = max(z, key=z.get)
            if z[rival] <= float(own[1]):
                return torch.autograd.grad(own[1] - own[0], x)[0], last
            own = (own[0], self.logits(x, noise, [rival])[0])
        else:
            with torch.no_grad():
                z = self.logits(x, noise, every)
            rival = max((k for k in every if k != y), key=lambda k: z[k].item())
            own = self.logits(x, noise, [y, rival])
        return torch.autograd.grad(own[1] - own[0], x)[0], rival


def pytorch(classifier, images, labels, steps, way):
    random = torch.Generator().manual_seed(1)
    start = time.perf_counter()
    for clean, y in zip(images, labels):
        x, last = clean, (y + 1) % 10
        for _ in range(steps + 1):
            noise = torch.randn(len(LEVELS), *clean.shape[1:], generator=random)
            gradient, last = classifier.look(x, y, noise, way, last)
            x = (x + 4 / 255 * gradient.sign()).clamp(clean - 16 / 255, clean + 16 / 255).clamp(-1, 1)
    return (time.perf_counter() - start) / len(images)


def elbow(program, options, extra=()):
    with tempfile.TemporaryDirectory() as folder:
        base = [program, "run", "--db", folder + "/t.db", "--format", "json", "--images", str(options.images)]
        subprocess.run(
            base + ["--strategy", "uniform:10", "--model", "fashion-mnist-small", "--attack", "apgd-margin",
                    "--attack-steps", str(options.steps), "--redraws", "0", "--choice-draws", "0",
                    "--threads", str(options.threads), *extra],
            check=True, capture_output=True)
        answer = subprocess.run(
            [program, "sql", "--db", folder + "/t.db", "--format", "json",
             "SELECT avg(attack_seconds) AS s FROM predictions WHERE attack_seconds IS NOT NULL"],
            check=True, capture_output=True)
        return json.loads(answer.stdout)[0]["s"]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program")
    for name, usual in (("images", 4), ("threads", 2), ("rounds", 3), ("steps", 20)):
        options.add_argument("--" + name, type=int, default=usual)
    options = options.parse_args()
    torch.set_num_threads(options.threads)
    count = options.images
    pixels = bytes_of("t10k-images-idx3-ubyte.gz", 16)[: count * 784].reshape(count, 1, 1, 28, 28)
    images = torch.from_numpy(pixels.astype(numpy.float32)) / 127.5 - 1
    labels = bytes_of("t10k-labels-idx1-ubyte.gz", 8)[:count].tolist()
    classifier = Classifier(MODEL)
    ways = {"elbow": lambda: elbow(options.program, options),
            "elbow --rivals 3": lambda: elbow(options.program, options, ["--rivals", "3"]),
            "elbow bf16": lambda: elbow(options.program, options, ["--precision", "bf16"]),
            "elbow bf16, rivals": lambda: elbow(
                options.program, options, ["--precision", "bf16", "--rivals", "3"])}
    for way in ("kept", "skip", "all"):
        ways["pytorch " + way] = lambda way=way: pytorch(classifier, images, labels, options.steps, way)
    pytorch(classifier, images[:1], labels[:1], 0, "all")
    seconds = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, run in ways.items():
            seconds[name].append(run())
    first = statistics.median(seconds["elbow"])
    for name, times in seconds.items():
        median = statistics.median(times)
        print("%-18s %6.3f s an image  %5.2f x  (%s)" % (
            name, median, median / first, " ".join("%.3f" % t for t in times)))


main()
