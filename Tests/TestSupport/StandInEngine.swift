import Foundation

/// An engine in standard Python whose answers are known.
///
/// As a denoiser it is the best one of images that are distributed as N(m_y, 1), m_y = y/10 − ½ at
/// every pixel, 0 without a label: D(x; σ, y) = x − s·(x − m_y), s = σ²/(σ² + 1). As a classifier its
/// logits are z_k = Σ_i (k + 1)·x_i·(i mod 3).
package enum StandInEngine {
  /// Writes it into a folder.
  ///
  /// - Parameters:
  ///   - trouble: as `die:3`: what goes wrong at the third request; empty: nothing.
  ///   - options: flags of the program.
  /// - Returns: the command that starts it.
  package static func command(
    in folder: String, _ trouble: String = "", options: String = ""
  ) throws -> String {
    try program.write(toFile: folder + "/engine.py", atomically: true, encoding: .utf8)
    return "python3 '\(folder)/engine.py' \(options) \(trouble)"
  }

  private static let program = """
    import array, json, math, os, sys, time
    options = dict(a.lstrip("-").split("=") for a in sys.argv[1:] if a.startswith("--"))
    trouble, _, at = next((a for a in sys.argv[1:] if not a.startswith("--")), ":0").partition(":")
    kind = options.get("kind", "denoiser")
    shape = [int(n) for n in options.get("shape", "1,2,3").split(",")]
    classes, batch, size = int(options.get("classes", 4)), int(options.get("batch", 16)), math.prod(shape)
    out, log = sys.stdout.buffer, options.get("log")
    if trouble == "silent":
        sys.exit("no weights here")
    hello = {"elbow_engine": 1, "kind": kind, "name": "stand-in", "shape": shape, "classes": classes,
             "sha256": options.get("hash", "0" * 64), "unconditional": True, "batch": batch,
             "device": "cpu", "versions": {"python": "3"}, "patience": float(options.get("patience", 60))}
    joules = float(options["joules"]) if "joules" in options else None
    if joules is not None:
        hello.update(gpu_joules=1000.0, gpu_memory=1 << 20)
    if trouble == "chatty":
        print("loading ...", flush=True)
    out.write(json.dumps(hello).encode() + b"\\n")
    out.flush()

    def floats(data, count):
        values = array.array("f")
        values.frombytes(data.read(4 * count))
        return values

    def sign(r):
        return (r > 0) - (r < 0)

    number = 0
    while True:
        line = sys.stdin.buffer.readline()
        if not line:
            sys.exit(0)
        number += 1
        q = json.loads(line)
        n = q["n"]
        if log:
            open(log, "a").write("%s %d\\n" % (q["op"], n))
        if kind == "denoiser":
            sigma, label = floats(sys.stdin.buffer, n), array.array("i")
            label.frombytes(sys.stdin.buffer.read(4 * n))
        x = floats(sys.stdin.buffer, n * size)
        answer = array.array("f")
        if kind == "classifier":
            if q["op"] == "logits":
                for r in range(n):
                    sum_ = sum(x[r * size + i] * (i % 3) for i in range(size))
                    answer.extend((k + 1) * sum_ for k in range(classes))
            else:
                v = floats(sys.stdin.buffer, n * classes)
                for r in range(n):
                    sum_ = sum((k + 1) * v[r * classes + k] for k in range(classes))
                    answer.extend(sum_ * (i % 3) for i in range(size))
        else:
            v = None
            if q["op"] == "vjp" and q["cotangent"] == "given":
                v = floats(sys.stdin.buffer, n * size)
            elif q["op"] == "vjp":
                offset, scale = floats(sys.stdin.buffer, n * size), floats(sys.stdin.buffer, n)
            for r in range(n):
                s, m = sigma[r] ** 2 / (sigma[r] ** 2 + 1), label[r] / 10 - 0.5 if label[r] >= 0 else 0.0
                row = x[r * size:(r + 1) * size]
                d = [s * (m - value) for value in row]
                if q["op"] == "denoise":
                    answer.extend(d)
                elif v is not None:
                    answer.extend(-s * value for value in v[r * size:(r + 1) * size])
                else:
                    p = [a + b for a, b in zip(d, offset[r * size:(r + 1) * size])]
                    p = [sign(a) for a in p] if q["cotangent"] == "sign" else p
                    answer.extend(-s * scale[r] * a for a in p)
        head = {"id": q["id"], "bytes": 4 * len(answer)}
        if joules is not None:
            head.update(gpu_joules=1000 + joules * number, gpu_memory=number << 20)
        if number == int(at or 0):
            if trouble == "die":
                sys.exit("out of memory")
            if trouble == "kill":
                os.kill(os.getpid(), 9)
            if trouble == "hang":
                time.sleep(600)
            if trouble == "nan":
                answer[-1] = math.nan
            if trouble == "short":
                answer, head["bytes"] = answer[1:], 4 * len(answer) - 4
            if trouble == "half":
                out.write(json.dumps(head).encode() + b"\\n" + answer.tobytes()[:5])
                out.flush()
                sys.exit(3)
            if trouble == "error":
                head, answer = {"id": q["id"], "error": "CUDA is on holiday"}, array.array("f")
            if trouble == "print":
                out.write(b"step 3 of 4\\n")
            if trouble == "swap":
                head["id"] += 1
        out.write(json.dumps(head).encode() + b"\\n" + answer.tobytes())
        out.flush()
    """
}
