"""Whole runs on networks that serve.py serves: the grid, racing, a learnt subset, attacks."""
import csv
import io
import os
import subprocess

import torch

from common import *


GRID = ["--grid", "linear:0.05:3:16"]


def pipeline(name, engine):
    """The whole grid, racing, a learnt subset, an attack on what was right."""
    run = ["run", "--engine", engine, *GRID]
    rows(*run, "--name", name, "--images", 24)
    rows(*run, "--name", name + ", racing", "--images", 24, "--strategy", "racing:0.2")
    learnt = rows("strategy", "learn", name, "--calibrate", "0..12", "--method", "greedy:3")
    subset = learnt[-1]["strategy"]
    rows(*run, "--name", name + ", greedy", "--images", 24, "--strategy", subset)
    right = rows("sql", "SELECT image_index FROM predictions JOIN runs ON id = run_id "
                 "WHERE name = '%s, greedy' AND correct LIMIT 4" % name)
    images = ",".join(r["image_index"] for r in right)
    rows(*run, "--name", name + ", attacked", "--images", images, "--strategy", subset, "--attack",
         "apgd-margin", "--attack-steps", 4, "--epsilon", "64/255")
    told = {r["name"]: r for r in rows("runs")}
    for kind in ("", ", racing", ", greedy", ", attacked"):
        row = told[name + kind]
        print("  %-24s %2s images, accuracy %.2f, NFE an image %g, attack's gradients an image %s" % (
            name + kind, row["images"], float(row["accuracy"]), float(row["nfe_per_image"]),
            row["attack_gradients_per_image"] or "–"))
    assert float(told[name + ", racing"]["nfe_per_image"]) < float(told[name]["nfe_per_image"])
    assert float(told[name + ", attacked"]["attack_gradients_per_image"]) > 0
    assert float(told[name]["cpu_seconds_per_image"]) > 0


def runs():
    if os.environ["EDM"]:
        pickled = edm_pickle(WORK / "shipped.pkl", shipped_as_edm())
        checked = subprocess.run(
            [PROGRAM, "engine", "check", command(pickled), "--against", str(MODEL), "--format", "csv"],
            capture_output=True, text=True)
        for row in csv.DictReader(io.StringIO(checked.stdout)):
            compared("edm pickle of the shipped network, checked: " + row["compared"], float(row["worst"]),
                     float(row["allowed"]))
        assert checked.returncode == 0, checked.stderr
        pipeline("edm pickle", command(pickled))
    pipeline("diffusers", command("--diffusers", diffusers_unet()[0]))
    if robustbench():
        data = WORK / "cifar"
        data.mkdir()
        torch.manual_seed(4)
        pixels = torch.randint(0, 256, (20, 3, 32, 32), dtype=torch.uint8)
        labels = robust()(pixels / 255).argmax(1).byte()
        (data / "test_batch.bin").write_bytes(
            torch.cat([labels[:, None], pixels.flatten(1)], 1).numpy().tobytes())
        served = ["run", "--engine", command("--classifier", "robust:load", "--shape", "3,32,32"),
                  "--classifier", "cnn", "--dataset", "cifar10", "--data", data, "--images", 20]
        clean = rows(*served, "--name", "robustbench")[0]
        attacked = rows(*served, "--name", "robustbench, attacked", "--attack", "apgd-ce", "--attack-steps", 10)[0]
        print("  robustbench: accuracy %s, under APGD %s" % (clean["accuracy"], attacked["accuracy"]))
        assert float(clean["accuracy"]) == 1 and float(attacked["accuracy"]) < 1
    # Nothing that is recorded contradicts the rest.
    elbow("verify")


runs()
