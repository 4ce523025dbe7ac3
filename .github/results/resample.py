"""Resamples both splits of a set in .ts files to a number of points, linearly: SOURCE POINTS FOLDER.

`python3 resample.py OSULeaf/OSULeaf 128 OSULeaf128` reads OSULeaf/OSULeaf_TRAIN.ts and _TEST.ts and
writes OSULeaf128/OSULeaf128_TRAIN.ts and _TEST.ts. Needs numpy.
"""
import os
import sys

import numpy as np

source, points, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.makedirs(folder, exist_ok=True)
for split in ("TRAIN", "TEST"):
    head, data = open(f"{source}_{split}.ts").read().split("@data\n")
    head = [line for line in head.splitlines() if not line.startswith("@seriesLength")]
    with open(f"{folder}/{os.path.basename(folder)}_{split}.ts", "w") as out:
        out.write("\n".join(head + [f"@seriesLength {points}", "@data", ""]))
        for line in data.split():
            values, label = line.rsplit(":", 1)
            y = np.array(values.split(","), float)
            x = np.linspace(0, len(y) - 1, points)
            series = np.interp(x, np.arange(len(y)), y)
            out.write(",".join(f"{v:.6f}" for v in series) + f":{label}\n")
