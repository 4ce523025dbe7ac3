"""Serves a PyTorch module to Elbow over a pipe.

    elbow run --engine 'python3 serve.py model.safetensors'           EDM networks, DDPM++ U-Nets
    elbow run --engine 'python3 serve.py edm-cifar10.pkl'             pickles; NVlabs/edm on PYTHONPATH
    elbow run --engine 'python3 serve.py --diffusers FOLDER'          a class-conditional UNet2DModel
    elbow run --classifier cnn --engine 'python3 serve.py --classifier MODULE:FUNCTION --shape 3,32,32'

FUNCTION() gives a module from images in [0, 1] to logits, as RobustBench's are. For another kind of
module write a class as those below: a name, a hash, shape, classes, and `correct` or `logits`.
"""
import argparse
import ctypes
import hashlib
import importlib
import json
import math
import os
import pickle
import platform
import queue
import struct
import sys
import threading
import time

import torch
import torch.nn.functional as F
from torch import nn


def file_hash(path, kind):
    total = hashlib.sha256(kind.encode())
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            total.update(block)
    return total.hexdigest()


def module_hash(module, kind):
    total = hashlib.sha256(kind.encode())
    for name, value in sorted(module.state_dict().items()):
        value = value.detach().cpu().contiguous()
        total.update(name.encode() + str(value.dtype).encode() + str(tuple(value.shape)).encode())
        total.update(ctypes.string_at(value.data_ptr(), value.numel() * value.element_size()))
    return total.hexdigest()


# The DDPM++ U-Net of the public EDM checkpoints, by their parameters' names.

class Conv(nn.Module):
    def __init__(self, i, o, k, up=False, down=False):
        super().__init__()
        self.up, self.down, self.pad = up, down, k // 2
        self.weight = nn.Parameter(torch.empty(o, i, k, k))
        self.bias = nn.Parameter(torch.empty(o))

    def forward(self, x):
        x = F.interpolate(x, scale_factor=2, mode="nearest") if self.up else x
        x = F.avg_pool2d(x, 2) if self.down else x
        return F.conv2d(x, self.weight, self.bias, padding=self.pad)


class Norm(nn.GroupNorm):
    def __init__(self, c):
        super().__init__(min(32, c // 4), c, eps=1e-6)


class Block(nn.Module):
    def __init__(self, i, o, emb, up=False, down=False, attention=False):
        super().__init__()
        self.in_channels, self.attention = i, attention
        self.norm0, self.conv0 = Norm(i), Conv(i, o, 3, up, down)
        self.affine, self.norm1, self.conv1 = nn.Linear(emb, o), Norm(o), Conv(o, o, 3)
        self.skip = Conv(i, o, 1, up, down) if i != o or up or down else None
        if attention:
            self.norm2, self.qkv, self.proj = Norm(o), Conv(o, 3 * o, 1), Conv(o, o, 1)

    def forward(self, x, emb):
        h = self.conv0(F.silu(self.norm0(x))) + self.affine(emb)[:, :, None, None]
        x = (self.conv1(F.silu(self.norm1(h))) + (x if self.skip is None else self.skip(x))) * 0.5 ** 0.5
        if self.attention:
            n, c = x.shape[:2]
            q, k, v = self.qkv(self.norm2(x)).reshape(n, c, 3, -1).unbind(2)
            w = torch.einsum("ncq,nck->nqk", q, k / math.sqrt(c)).softmax(2)
            x = (self.proj(torch.einsum("nqk,nck->ncq", w, v).reshape(x.shape)) + x) * 0.5 ** 0.5
        return x


class UNet(nn.Module):
    def __init__(self, resolution, channels, classes, width, mult, blocks, attn):
        super().__init__()
        emb, c, skips = width * 4, width, []
        self.width, self.classes = width, classes
        self.map_label = nn.Linear(classes, width) if classes else None
        self.map_layer0, self.map_layer1 = nn.Linear(width, emb), nn.Linear(emb, emb)
        self.enc, self.dec = nn.ModuleDict(), nn.ModuleDict()
        for level, m in enumerate(mult):
            r = resolution >> level
            if level == 0:
                self.enc["%dx%d_conv" % (r, r)] = Conv(channels, width, 3)
            else:
                self.enc["%dx%d_down" % (r, r)] = Block(c, c, emb, down=True)
            skips.append(c)
            for b in range(blocks):
                self.enc["%dx%d_block%d" % (r, r, b)] = Block(c, width * m, emb, attention=r in attn)
                c = width * m
                skips.append(c)
        for level, m in reversed(list(enumerate(mult))):
            r = resolution >> level
            if level == len(mult) - 1:
                self.dec["%dx%d_in0" % (r, r)] = Block(c, c, emb, attention=True)
                self.dec["%dx%d_in1" % (r, r)] = Block(c, c, emb)
            else:
                self.dec["%dx%d_up" % (r, r)] = Block(c, c, emb, up=True)
            for b in range(blocks + 1):
                self.dec["%dx%d_block%d" % (r, r, b)] = Block(
                    c + skips.pop(), width * m, emb, attention=b == blocks and r in attn)
                c = width * m
        self.dec["%dx%d_aux_norm" % (resolution, resolution)] = Norm(c)
        self.dec["%dx%d_aux_conv" % (resolution, resolution)] = Conv(c, channels, 3)

    def forward(self, x, noise, labels):
        half = self.width // 2
        a = noise[:, None] * (1 / 10000) ** (torch.arange(half, device=x.device) / (half - 1))
        emb = torch.cat([a.sin(), a.cos()], 1)
        if self.map_label is not None:
            emb = emb + self.map_label(labels * math.sqrt(self.classes))
        emb, skips = F.silu(self.map_layer1(F.silu(self.map_layer0(emb)))), []
        for block in self.enc.values():
            x = block(x, emb) if isinstance(block, Block) else block(x)
            skips.append(x)
        for name, block in self.dec.items():
            if name.endswith("aux_norm"):
                x = F.silu(block(x))
            elif name.endswith("aux_conv"):
                x = block(x)
            else:
                x = x if x.shape[1] == block.in_channels else torch.cat([x, skips.pop()], 1)
                x = block(x, emb)
        return x


def safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    kinds = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
             "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8}
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            tensors[name] = torch.frombuffer(
                data, dtype=kinds[entry["dtype"]], count=math.prod(entry["shape"]),
                offset=begin).reshape(entry["shape"]).float() if end > begin else torch.zeros(0)
    return tensors, header.get("__metadata__", {})


class EDM:
    """D(x; sigma, y) = c_skip x + c_out F(c_in x; ln(sigma)/4, y), of a file of weights or a pickle."""
    kind, dtype = "denoiser", "F32"

    def __init__(self, path, device):
        self.name, self.sha256, self.device = os.path.basename(path), file_hash(path, "edm"), device
        if path.endswith(".safetensors"):
            self.net, self.sigma_data = self.build(path)
            self.f = self.net
        else:
            with open(path, "rb") as file:
                self.outer = pickle.load(file)["ema"].to(device).eval()
            if not hasattr(self.outer, "sigma_data"):
                sys.exit("serve.py: %s is no network with EDM preconditioning" % path)
            self.net, self.sigma_data = self.outer.model, float(self.outer.sigma_data)
            self.shape = [self.outer.img_channels] + [self.outer.img_resolution] * 2
            self.classes = self.outer.label_dim
            # Label dropout in training makes the network without a label.
            self.unconditional = self.classes == 0 or getattr(self.net, "label_dropout", 0) > 0
            self.f = lambda x, noise, labels: self.net(x, noise, class_labels=labels)
        self.net.to(device).eval().requires_grad_(False)
        self.parameters = sum(p.numel() for p in self.net.parameters())

    def build(self, path):
        tensors, about = safetensors(path)
        weights = {k[6:]: v for k, v in tensors.items()
                   if k.startswith("model.") and "resample_filter" not in k and "map_augment" not in k}
        sizes = {k.split(".")[1].split("_")[0] for k in weights if k.startswith("enc.")}
        if not sizes:
            sys.exit("serve.py: %s is no denoiser of EDM networks, whose tensors are called model.enc.…; "
                     "a classifier is served with --classifier" % path)
        if any("x" not in size for size in sizes):
            sys.exit("serve.py: %s is a network of signals, which Elbow computes by itself" % path)
        levels = sorted((int(size.split("x")[0]) for size in sizes), reverse=True)
        first = weights["enc.%dx%d_conv.weight" % (levels[0], levels[0])]
        width, channels = first.shape[:2]
        top = "enc.%dx%d_block" % (levels[0], levels[0])
        blocks = sum(k.startswith(top) and k.endswith("conv0.weight") for k in weights)
        mult = [weights["enc.%dx%d_block0.conv0.weight" % (r, r)].shape[0] // width for r in levels]
        attn = [r for r in levels if "enc.%dx%d_block0.qkv.weight" % (r, r) in weights]
        self.classes = weights["map_label.weight"].shape[1] if "map_label.weight" in weights else 0
        net = UNet(levels[0], channels, self.classes, width, mult, blocks, attn)
        if weights["dec.%dx%d_aux_conv.weight" % (levels[0], levels[0])].shape[0] != channels:
            sys.exit("serve.py: %s is a multi-head network, which Elbow computes by itself" % path)
        net.load_state_dict(weights)
        self.shape = [channels, levels[0], levels[0]]
        # Of what says how it was trained; public ones had no label dropout.
        self.unconditional = self.classes == 0 or bool(about)
        return net, float(about.get("sigma_data", 0.5))

    def correct(self, x, sigma, label):
        """D(x; sigma, y) - x, without the cancellation where sigma is small."""
        s, d = sigma.double()[:, None, None, None], self.sigma_data
        norm = s * s + d * d
        labels = None
        if self.classes:
            # All zeros is no label.
            labels = F.one_hot(label.clamp(min=0), self.classes) * (label >= 0)[:, None]
            labels = labels.to(x.dtype)
        f = self.f(x * (1 / norm.sqrt()).float(), (sigma.double().log() / 4).float(), labels)
        return f.float() * (s * d / norm.sqrt()).float() - x * (s * s / norm).float()


class Diffusers:
    """A UNet2DModel that predicts epsilon: D = x - sigma eps(x / sqrt(1 + sigma^2), t)."""
    kind, dtype = "denoiser", "F32"

    def __init__(self, folder, device):
        from diffusers import DDPMScheduler, UNet2DModel
        self.name, self.device = os.path.basename(os.path.normpath(folder)), device
        unet = os.path.join(folder, "unet")
        self.net = UNet2DModel.from_pretrained(
            unet if os.path.isdir(unet) else folder, low_cpu_mem_usage=False)
        self.net.to(device).eval().requires_grad_(False)
        schedule = os.path.join(folder, "scheduler")
        scheduler = DDPMScheduler.from_pretrained(schedule) if os.path.isdir(schedule) else DDPMScheduler()
        if scheduler.config.prediction_type != "epsilon":
            sys.exit("serve.py: %s predicts %s, not epsilon" % (folder, scheduler.config.prediction_type))
        a = scheduler.alphas_cumprod.double()
        self.log_sigmas = ((1 - a) / a).sqrt().log().to(device)
        self.sha256 = module_hash(self.net, "diffusers %r" % a.tolist())
        config = self.net.config
        size = config.sample_size if isinstance(config.sample_size, (list, tuple)) else [config.sample_size] * 2
        self.shape, self.classes = [config.in_channels] + list(size), config.num_class_embeds or 0
        self.unconditional = self.classes == 0
        self.parameters = sum(p.numel() for p in self.net.parameters())

    def correct(self, x, sigma, label):
        s = sigma.double()
        # Where sigma lies between two steps of the schedule, the network is asked between them.
        log, table = s.log(), self.log_sigmas
        high = torch.searchsorted(table, log).clamp(1, len(table) - 1)
        part = ((log - table[high - 1]) / (table[high] - table[high - 1])).clamp(0, 1)
        t = (high - 1 + part).float()
        scale = (1 / (1 + s * s).sqrt()).float()[:, None, None, None]
        eps = self.net(x * scale, t, class_labels=label if self.classes else None).sample
        return -sigma[:, None, None, None] * eps.float()


class Classifier:
    """A module from images in [0, 1] to logits."""
    kind, dtype, unconditional = "classifier", "F32", False

    def __init__(self, name, shape, device):
        module, _, function = name.partition(":")
        sys.path.insert(0, os.getcwd())
        self.net = getattr(importlib.import_module(module), function or "load")()
        self.net.to(device).eval().requires_grad_(False)
        self.name, self.shape, self.device = name, shape, device
        self.sha256 = module_hash(self.net, "classifier")
        with torch.no_grad():
            self.classes = self.net(torch.zeros(1, *shape, device=device)).shape[1]
        self.parameters = sum(p.numel() for p in self.net.parameters())

    def logits(self, x):
        return self.net(x).float()


class Card:
    """What the GPU has used: joules since its driver was loaded, as NVML counts them, and memory."""

    def __init__(self, device):
        self.device, self.nvml, self.at, self.known = device, None, 0, {}
        if device.type == "cuda":
            try:
                nvml, handle = ctypes.CDLL("libnvidia-ml.so.1"), ctypes.c_void_p()
                uuid = "GPU-%s" % torch.cuda.get_device_properties(device).uuid
                if nvml.nvmlInit_v2() == 0 == nvml.nvmlDeviceGetHandleByUUID(
                        uuid.encode(), ctypes.byref(handle)):
                    self.nvml, self.handle = nvml, handle
            except (AttributeError, OSError):
                pass

    def used(self):
        """For a header; asked anew at most ten times a second."""
        if self.device.type != "cuda" or time.monotonic() < self.at:
            return self.known
        self.at = time.monotonic() + 0.1
        self.known = {"gpu_memory": torch.cuda.max_memory_reserved(self.device)}
        count = ctypes.c_ulonglong()
        if self.nvml and self.nvml.nvmlDeviceGetTotalEnergyConsumption(self.handle, ctypes.byref(count)) == 0:
            self.known["gpu_joules"] = count.value / 1000
        return self.known


class Pipe:
    """Requests in, answers out: a line of JSON, then the tensors' bytes one after the other."""

    def __init__(self):
        self.source = os.fdopen(os.dup(0), "rb", buffering=1 << 20)
        self.target = os.fdopen(os.dup(1), "wb", buffering=1 << 20)
        # What modules print is not for Elbow.
        os.dup2(2, 1)
        self.requests = queue.Queue(maxsize=2)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            line = self.source.readline()
            if not line:
                return self.requests.put(None)
            header = json.loads(line)
            data = bytearray(header["bytes"])
            view, done = memoryview(data), 0
            while done < len(data):
                count = self.source.readinto(view[done:])
                if not count:
                    return self.requests.put(None)
                done += count
            self.requests.put((header, data))

    def send(self, header, tensor=None):
        if tensor is not None:
            tensor = tensor.detach().to("cpu", torch.float32).contiguous()
            header["bytes"] = 4 * tensor.numel()
        self.target.write(json.dumps(header).encode() + b"\n")
        if tensor is not None and tensor.numel():
            self.target.write((ctypes.c_char * header["bytes"]).from_address(tensor.data_ptr()))
        self.target.flush()


def tensors(served, header, data):
    """The tensors of a request, by name."""
    n, image = header["n"], served.shape
    row = {"sigma": [], "label": [], "x": image, "offset": image, "scale": [],
           "v": image if served.kind == "denoiser" else [served.classes]}
    names = ["sigma", "label", "x"] if served.kind == "denoiser" else ["x"]
    names += {None: [], "given": ["v"]}.get(header.get("cotangent"), ["offset", "scale"])
    found, place = {}, 0
    for name in names:
        count = n * math.prod(row[name])
        kind = torch.int32 if name == "label" else torch.float32
        value = torch.frombuffer(data, dtype=kind, count=count, offset=place).reshape([n] + row[name])
        found[name] = value.to(served.device, non_blocking=True)
        place += 4 * count
    if "label" in found:
        found["label"] = found["label"].long()
    return found


def compute(served, header, given):
    if served.kind == "denoiser":
        def forward(x):
            return served.correct(x, given["sigma"], given["label"])
    else:
        forward = served.logits
    if header["op"] in ("denoise", "logits"):
        with torch.no_grad():
            return forward(given["x"])
    with torch.enable_grad():
        x = given["x"].requires_grad_(True)
        out = forward(x)
        v = given.get("v")
        if v is None:
            r = out.detach() + given["offset"]
            v = (r.sign() if header["cotangent"] == "sign" else r) * given["scale"][:, None, None, None]
        return torch.autograd.grad(out, x, v)[0]


def serve(served, batch, patience):
    pipe, card = Pipe(), Card(served.device)
    pipe.send({
        "elbow_engine": 1, "kind": served.kind, "name": served.name, "sha256": served.sha256,
        "shape": served.shape, "classes": served.classes, "unconditional": served.unconditional,
        "batch": batch, "device": str(served.device), "parameters": served.parameters,
        "dtype": served.dtype, "patience": patience,
        "versions": {"torch": torch.__version__, "python": platform.python_version()}, **card.used()})
    while True:
        request = pipe.requests.get()
        if request is None:
            return
        header, data = request
        try:
            answer = compute(served, header, tensors(served, header, data))
        except Exception as error:
            pipe.send({"id": header["id"], "error": "%s: %s" % (type(error).__name__, error)})
        else:
            pipe.send({"id": header["id"], **card.used()}, answer)


def bench(served, batch, count):
    """Evaluations a second of a bare loop in this process, as Elbow would ask for them."""
    x = torch.randn(batch, *served.shape, device=served.device)
    given = {"sigma": torch.linspace(0.05, 3, batch, device=served.device), "x": x,
             "label": torch.arange(batch, device=served.device) % max(served.classes, 1),
             "offset": torch.zeros_like(x), "scale": torch.ones(batch, device=served.device)}
    for op in ("denoise", "vjp"):
        for rounds in (2, max(count // batch, 1)):
            begin = time.perf_counter()
            for _ in range(rounds):
                compute(served, {"op": op, "cotangent": "residual"}, dict(given)).cpu()
            seconds = time.perf_counter() - begin
        print("%s: %.0f a second in batches of %d" % (op, rounds * batch / seconds, batch))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", nargs="?", help="weights as .safetensors, or a pickle of NVlabs/edm")
    parser.add_argument("--diffusers", metavar="FOLDER", help="folder of a UNet2DModel")
    parser.add_argument("--classifier", metavar="MODULE:FUNCTION", help="what makes a classifier")
    parser.add_argument("--shape", default="3,32,32", help="of a classifier's images: C,H,W")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=None, help="rows at once (cpu: 40, else 256)")
    parser.add_argument("--patience", type=float, default=300, help="seconds that an answer may take")
    parser.add_argument("--bench", type=int, metavar="N", help="time N evaluations here, and end")
    a = parser.parse_args()
    if sum(x is not None for x in (a.file, a.diffusers, a.classifier)) != 1:
        parser.error("give a file, --diffusers or --classifier")
    device = torch.device(a.device)
    if a.file:
        served = EDM(a.file, device)
    elif a.diffusers:
        served = Diffusers(a.diffusers, device)
    else:
        served = Classifier(a.classifier, [int(n) for n in a.shape.split(",")], device)
    batch = a.batch or (40 if device.type == "cpu" else 256)
    if a.bench:
        bench(served, batch, a.bench)
    else:
        serve(served, batch, a.patience)


if __name__ == "__main__":
    main()
