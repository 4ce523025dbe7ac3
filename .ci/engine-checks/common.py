"""What the checks of .ci/engines share: the engine, the networks that are served, the program."""
import atexit
import csv
import importlib.util
import io
import json
import os
import pathlib
import pickle
import shlex
import subprocess
import sys

import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODEL = ROOT / "Sources/Networks/Models/fashion-mnist-small.safetensors"
PROGRAM, WORK = sys.argv[1], pathlib.Path(sys.argv[2])
SERVE = WORK / "serve.py"
THREADS = os.environ.setdefault("OMP_NUM_THREADS", "1")
torch.set_num_threads(int(THREADS))
sys.path.insert(0, str(WORK))
failures = []


@atexit.register
def judge():
    if failures:
        print("differs: " + "; ".join(failures), file=sys.stderr, flush=True)
        os._exit(1)


def compared(what, error, tolerance):
    good = error <= tolerance
    print("%-66s %.1e%s" % (what, error, "" if good else "  MORE THAN %.0e" % tolerance), flush=True)
    if not good:
        failures.append(what)


def relative(a, b):
    """The worst row's ‖a − b‖/‖b‖."""
    a, b = a.double().flatten(1), b.double().flatten(1)
    return float(((a - b).norm(dim=1) / b.norm(dim=1).clamp(min=1e-30)).max())


def command(*words):
    return shlex.join([sys.executable, str(SERVE), *map(str, words)])


class Engine:
    """An engine as Elbow speaks with it."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            shlex.split(command(*words)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=WORK)
        self.hello = json.loads(self.process.stdout.readline())

    def ask(self, op, *tensors, cotangent=None):
        data = b"".join(t.contiguous().numpy().tobytes() for t in tensors)
        header = {"id": 1, "op": op, "n": len(tensors[0]), "bytes": len(data)}
        if cotangent:
            header["cotangent"] = cotangent
        self.process.stdin.write(json.dumps(header).encode() + b"\n" + data)
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer
        values = torch.frombuffer(bytearray(self.process.stdout.read(answer["bytes"])), dtype=torch.float32)
        return values.reshape([len(tensors[0]), -1])

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(10) == 0


def shaken(net, scale=0.05):
    """Weights drawn at random: a new network's last layers are near zero."""
    torch.manual_seed(1)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(scale * torch.randn_like(p))
    return net.eval().requires_grad_(False)


def edm_pickle(path, net):
    """As NVlabs/edm's training loop writes its snapshots."""
    from training.augment import AugmentPipe
    from training.loss import EDMLoss
    with open(path, "wb") as file:
        pickle.dump({"ema": net.cpu(), "loss_fn": EDMLoss(), "augment_pipe": AugmentPipe(p=0.1),
                     "dataset_kwargs": {"path": "data.zip"}}, file)
    return path


def shipped_as_edm():
    """The shipped network in NVlabs/edm's own class."""
    from safetensors.torch import load_file
    from training.networks import EDMPrecond
    net = EDMPrecond(28, 1, label_dim=10, model_type="SongUNet", model_channels=16, channel_mult=[1, 2, 4],
                     num_blocks=1, attn_resolutions=[7], label_dropout=0.1)
    missing = net.load_state_dict(load_file(MODEL), strict=False)
    assert not missing.unexpected_keys and all("resample_filter" in k for k in missing.missing_keys), missing
    return net.eval().requires_grad_(False)


def diffusers_unet(schedule="linear"):
    from diffusers import DDPMScheduler, UNet2DModel
    folder = WORK / ("diffusers-" + schedule)
    net = UNet2DModel(sample_size=28, in_channels=1, out_channels=1, layers_per_block=1, norm_num_groups=8,
                      block_out_channels=(16, 32), down_block_types=("DownBlock2D", "AttnDownBlock2D"),
                      up_block_types=("AttnUpBlock2D", "UpBlock2D"), num_class_embeds=10)
    shaken(net).save_pretrained(folder / "unet")
    scheduler = DDPMScheduler(beta_schedule=schedule, clip_sample=False)
    scheduler.save_pretrained(folder / "scheduler")
    return folder, net, scheduler


def robustbench():
    """A wide ResNet and the normalization around it, by RobustBench's own code; False without it."""
    found = importlib.util.find_spec("robustbench")
    if not found:
        return False
    folder = pathlib.Path(found.origin).parent / "model_zoo/architectures"
    (WORK / "robust.py").write_text('''
import importlib.util, torch
def module(name):
    spec = importlib.util.spec_from_file_location(name, %r + "/" + name + ".py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made
def load():
    torch.manual_seed(2)
    net = module("wide_resnet").WideResNet(depth=10, num_classes=10, widen_factor=1)
    return module("utils_architectures").normalize_model(net, (0.49, 0.48, 0.45), (0.25, 0.24, 0.26))
''' % str(folder))
    return True


def robust():
    return __import__("robust").load().eval()


def elbow(*words, db=WORK / "runs.db", **more):
    done = subprocess.run([PROGRAM, *map(str, words), "--db", str(db)], capture_output=True, text=True,
                          cwd=WORK, **more)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def rows(*words, **more):
    return list(csv.DictReader(io.StringIO(elbow(*words, "--format", "csv", **more))))
