"""Accuracy of the nearest neighbour on the test split of a set in .ts files, as FOLDER/NAME: by the
Euclidean distance, by dynamic time warping in the window that leaves most of the training split right when
each series is left out in turn (0 to 20 % of the length, the narrowest of equals), and in no window. With
Wilson's 95 % intervals. Needs numpy.
"""
import sys
import numpy as np

def read(path):
    rows = open(path).read().lower().split("@data")[1].split()
    parts = [row.rsplit(":", 1) for row in rows]
    return np.array([[float(v) for v in p[0].split(",")] for p in parts]), [p[1] for p in parts]

def dtw(a, B, w):
    """Squared DTW distances of a series to every row of B, |i - j| <= w, a row of the table a time."""
    n = len(a)
    D = np.full((len(B), n + 1), np.inf)
    D[:, 0] = 0
    for i in range(n):
        E = np.full_like(D, np.inf)
        for j in range(max(0, i - w), min(n, i + w + 1)):
            E[:, j + 1] = (a[i] - B[:, j]) ** 2 + np.minimum(np.minimum(D[:, j + 1], D[:, j]), E[:, j])
        D = E
    return D[:, n]

def right(X, y, A, b, w, out=False):
    hits = 0
    for i, x in enumerate(X):
        d = dtw(x, A, w)
        if out: d[i] = np.inf
        hits += b[int(d.argmin())] == y[i]
    return hits

name = sys.argv[1]
(A, b), (X, y) = read(name + "_TRAIN.ts"), read(name + "_TEST.ts")
n = A.shape[1]
windows = sorted({int(n * r / 100) for r in range(0, 21)})
best = max(windows, key=lambda w: (right(A, b, A, b, w, out=True), -w))
for title, w in [("euclidean", 0), ("window", best), ("whole", n)]:
    k, m, z = right(X, y, A, b, w), len(X), 1.959964
    p = k / m
    mid, half = p + z * z / 2 / m, z * (p * (1 - p) / m + z * z / 4 / m / m) ** 0.5
    low, high = ((mid - half) / (1 + z * z / m), (mid + half) / (1 + z * z / m))
    print(f"{title:10} w={w:3} {k}/{m} {100 * p:.1f} ({100 * low:.1f}-{100 * high:.1f})")
