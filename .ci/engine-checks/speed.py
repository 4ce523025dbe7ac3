"""The pipe beside a bare loop in one process, and the memory of a larger network."""
import csv
import os
import shlex
import statistics
import subprocess

import torch

from common import *


def bare(*words):
    """Rows a second of a bare loop in one process: forward, gradient."""
    told = subprocess.run(shlex.split(command(*words)), capture_output=True, text=True, check=True).stdout
    return [float(line.split()[1]) for line in told.splitlines()]


def piped(seconds, *words):
    """The same through the pipe; the peak memory of Elbow, and of the larger of the two, MiB."""
    process = subprocess.Popen([PROGRAM, "bench", "engine", command(*words), "--seconds", str(seconds),
                                "--format", "csv"], stdout=subprocess.PIPE, text=True)
    row = next(csv.DictReader(process.stdout))
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return [float(row["forward"]), float(row["gradient"]), float(row["peak_mebibytes"]),
            usage.ru_maxrss / 1024]


def recorded(images, *words):
    """Evaluations a second of a recorded run."""
    run = rows("run", "--engine", command(*words), "--images", images, "--grid", "linear:0.05:3:20")[0]
    told = rows("sql", "SELECT (SELECT sum(nfe) FROM predictions WHERE run_id = '%s') / wall_seconds AS rate "
                "FROM session WHERE run_id = '%s'" % (run["id"], run["id"]))
    return float(told[0]["rate"])


def speed():
    rounds, seconds = int(os.environ.get("ROUNDS", 5)), float(os.environ.get("SECONDS_EACH", 4))
    print("%s thread(s) of PyTorch %s, %d rounds in turns, medians; load %s" % (
        THREADS, torch.__version__, rounds, "%.1f %.1f %.1f" % os.getloadavg()))
    for batch in (40, 200):
        words = [MODEL, "--batch", batch]
        count = max(2 * batch, int(seconds * bare(*words, "--bench", 4 * batch)[0]))
        taken = [(bare(*words, "--bench", count), piped(seconds, *words), recorded(count // 200 + 1, *words))
                 for _ in range(rounds)]
        forward, gradient = (statistics.median(t[0][i] for t in taken) for i in (0, 1))
        piped_forward, piped_gradient = (statistics.median(t[1][i] for t in taken) for i in (0, 1))
        run = statistics.median(t[2] for t in taken)
        print("batch %d: bare loop %.0f a second, through the pipe %.0f, a recorded run %.0f; gradients %.0f, "
              "through the pipe %.0f" % (batch, forward, piped_forward, run, gradient, piped_gradient))
        for what, through, own in [("evaluations", piped_forward, forward), ("a recorded run", run, forward),
                                   ("gradients", piped_gradient, gradient)]:
            compared("batch %d, %s: time lost" % (batch, what), max(0, 1 - through / own), 0.1)
    # A network of 64×64: what both processes take does not grow with how much is asked.
    from safetensors.torch import save_file
    net = shaken(__import__("serve").UNet(64, 3, 10, 64, [1, 2, 2, 2], 1, [16]), 0.02)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(0.02 * torch.randn_like(p))
    save_file({"model." + k: v for k, v in net.state_dict().items()}, WORK / "64.safetensors")
    short = piped(seconds, WORK / "64.safetensors", "--batch", 40)
    long = piped(5 * seconds, WORK / "64.safetensors", "--batch", 40)
    print("64×64, batch 40: %.1f a second, gradients %.1f; Elbow takes %.0f MiB, the engine %.0f; five times "
          "as long %.0f and %.0f" % (long[0], long[1], short[2], short[3], long[2], long[3]))
    compared("64×64: memory that a longer time takes more, Elbow", max(0, long[2] / short[2] - 1), 0.25)
    compared("64×64: memory that a longer time takes more, engine", max(0, long[3] / short[3] - 1), 0.25)


speed()
