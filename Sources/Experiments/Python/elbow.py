"""Records runs of Python programs with Elbow: one file, standard library only.

    import elbow
    with elbow.run("edm", model="edm-cifar10", dataset="cifar10", classes=10, shape=(3, 32, 32),
                   grid=sigmas, weights=weights) as r:
        for index, (image, label) in enumerate(images):
            r.image(index, label, losses=errors(image))   # [timestep][class], or [draw][...] before
            r.log(step=index, seconds=...)

Records go through a pipe to one 'elbow ingest -', found by $ELBOW or on the path, into $ELBOW_DB or
elbow.db. Images are written at once, metrics within a tenth of a second: a killed program has what it
had written. A run with a key= is taken up where it was: `r.done` has the indices that are recorded.
"""
import array
import atexit
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time

__all__ = ["run", "sync", "Error"]
_writer = None
_lock = threading.RLock()
_json = json.JSONEncoder(separators=(",", ":")).encode
_keys = {}


def _key(name):
    """A metric's name as a line has it."""
    _keys[name] = _json(str(name)) + ":"
    return _keys[name]


class Error(Exception):
    """What Elbow refused, or why it cannot be reached."""


class _Writer:
    def __init__(self, db):
        program = os.environ.get("ELBOW") or shutil.which("elbow")
        if not program:
            raise Error("there is no 'elbow' on the path; set ELBOW to where it is")
        command = [program, "ingest", "-", "--quiet"] + (["--db", db] if db else [])
        # A session of its own: Ctrl-C is for this program, whose runs are ended below.
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        self.db, self.pid = db, os.getpid()
        self.buffer, self.waiting, self.lines = [], 0, 0
        self.committed, self.errors, self.runs = 0, [], {}
        self.changed = threading.Condition()
        self.send({"elbow": 1})
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()
        threading.Thread(target=self._flush_often, daemon=True).start()

    def send(self, line, now=False):
        self.write(_json(line), now)

    def write(self, text, now=False):
        with _lock:
            self.buffer.append(text)
            self.waiting += len(text)
            self.lines += 1
            if now or self.waiting > 1 << 16:
                self.flush()

    def flush(self):
        with _lock:
            if not self.buffer:
                return
            data = ("\n".join(self.buffer) + "\n").encode()
            self.buffer, self.waiting = [], 0
            try:
                self.process.stdin.write(data)
                self.process.stdin.flush()
            except (BrokenPipeError, ValueError):
                raise Error("'elbow ingest' has ended; what it said stands above") from None

    def _flush_often(self):
        while self.process.poll() is None:
            time.sleep(0.1)
            try:
                self.flush()
            except Error:
                return

    def _listen(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            with self.changed:
                if "committed" in answer:
                    self.committed = answer["committed"]
                elif "error" in answer:
                    self.errors.append("line %d: %s" % (answer["line"], answer["error"]))
                else:
                    self.runs[answer["run"]] = answer
                self.changed.notify_all()
        with self.changed:
            self.committed = float("inf")
            self.changed.notify_all()

    def sync(self):
        """Waits until all that was told is on the disk; raises what was refused."""
        self.flush()
        with self.changed:
            self.changed.wait_for(lambda: self.committed >= self.lines)
            if self.committed == float("inf"):
                raise Error("'elbow ingest' has ended; what it said stands above")
            self.complain()

    def complain(self):
        if self.errors:
            errors, self.errors = self.errors, []
            raise Error("; ".join(errors[:3]) + (" ..." if len(errors) > 3 else ""))

    def close(self):
        try:
            self.flush()
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()
        self.listener.join()


def _get(db=None):
    global _writer
    with _lock:
        if _writer is None or _writer.pid != os.getpid():
            _writer = _Writer(db)
            atexit.register(_close, _writer)
        elif db and db != _writer.db:
            raise Error("one program records into one database: %s" % (_writer.db or "elbow.db"))
        return _writer


def _close(writer):
    if writer.pid != os.getpid():
        return
    try:
        for r in list(_Run.open):
            r._end(getattr(sys, "last_value", None))
        writer.close()
    except Error as error:
        print("elbow.py: %s" % error, file=sys.stderr)
    for error in writer.errors:
        print("elbow.py: %s" % error, file=sys.stderr)


def _floats(values, kind="f"):
    """Little-endian Float32 of numbers in rows of any depth: lists, arrays, numpy, torch."""
    for step in ("detach", "cpu", "numpy"):
        if hasattr(values, step):
            values = getattr(values, step)()
    if hasattr(values, "astype"):
        return values.astype("<f4" if kind == "f" else "<i4").tobytes()
    flat = array.array(kind)

    def add(value):
        if hasattr(value, "__iter__"):
            for item in value:
                add(item)
        else:
            flat.append(value)
    add(values)
    if sys.byteorder == "big":
        flat.byteswap()
    return flat.tobytes()


def _base64(data):
    return base64.b64encode(data).decode()


def _plain(values):
    """Numbers as JSON has them."""
    return values.tolist() if hasattr(values, "tolist") else values


class _Run:
    open = []

    def __init__(self, name, key, db, fields):
        self.writer, self.key = _get(db), key or os.urandom(10).hex()
        self._head = '{"type":"metrics","run":%s' % _json(self.key)
        for field in ("grid", "weights"):
            if field in fields:
                fields.setdefault("configuration", {})[field] = _plain(fields.pop(field))
        line = {"type": "run", "run": self.key, "name": name, "argv": sys.argv}
        line.update((k, _plain(v)) for k, v in fields.items() if v is not None)
        self.writer.send(line, now=True)
        self.step, self.done, self.clock = 0, frozenset(), time.perf_counter()
        if key:
            self.writer.sync()
            answer = self.writer.runs[key]
            self.done, self.step = frozenset(answer["images"]), answer["next_step"]
        _Run.open.append(self)

    @property
    def id(self):
        """The run's id, once it is recorded."""
        self.writer.sync()
        return self.writer.runs[self.key]["id"]

    def image(self, index, label, predicted=None, losses=None, elbos=None, seconds=None,
              pixels=None, places=None, attack=None, **fields):
        """Records an image's answer.

        losses: raw errors [timestep][class], or [draw][timestep][class], summed over pixels.
        pixels: bytes of the image, channels first: so that it is the same image in every run.
        seconds: what it took; by itself, the time since the image before.
        """
        now = time.perf_counter()
        line = {"type": "image", "run": self.key, "index": int(index), "label": int(label),
                "seconds": now - self.clock if seconds is None else seconds}
        self.clock = now
        if predicted is not None:
            line["predicted"] = int(predicted)
        if elbos is not None:
            line["elbos"] = _plain(elbos)
        if losses is not None:
            line["losses"] = _base64(_floats(losses))
        if places is not None:
            line["places"] = _base64(_floats(places, "i"))
        if pixels is not None:
            line["sha256"] = hashlib.sha256(bytes(pixels)).hexdigest()
        if attack is not None:
            attack = dict(attack)
            if "image" in attack:
                attack["image"] = _base64(_floats(attack["image"]))
            line["attack"] = attack
        line.update((k, _plain(v)) for k, v in fields.items())
        self.writer.send(line, now=True)

    def log(self, values=None, step=None, **named):
        """Records metrics at a step; by itself, the next one."""
        step = self.step if step is None else step
        self.step = step + 1
        if values:
            named = dict(values, **named)
        parts = []
        for name, value in named.items():
            key, value = _keys.get(name) or _key(name), float(value)
            parts.append(key + (repr(value) if value - value == 0 else _json(value)))
        self.writer.write('%s,"step":%d,"time":%.3f,"values":{%s}}' % (
            self._head, step, time.time(), ",".join(parts)))

    def label(self, name=None, group=None, note=None, **tags):
        """Changes what the run is called."""
        line = {"type": "labels", "run": self.key, "name": name, "group": group, "note": note,
                "tags": tags}
        self.writer.send(line, now=True)

    def end(self, status="finished", error=None, **cost):
        """Ends the run: finished, failed or interrupted. cost: energy= in joules, gpu_memory= ..."""
        if self not in _Run.open:
            return
        _Run.open.remove(self)
        usage = {}
        try:
            import resource
            own = resource.getrusage(resource.RUSAGE_SELF)
            usage = {"cpu_seconds": own.ru_utime + own.ru_stime,
                     "peak_memory": own.ru_maxrss * (1 if sys.platform == "darwin" else 1024)}
        except ImportError:
            pass
        line = {"type": "end", "run": self.key, "status": status, "error": error}
        self.writer.send({**line, **usage, **cost}, now=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            self._end(error)
        except Error as refusal:
            # What the program itself raised matters more.
            if error is None:
                raise
            print("elbow.py: %s" % refusal, file=sys.stderr)
        return False

    def _end(self, error):
        if error is None:
            self.end()
        elif isinstance(error, (KeyboardInterrupt, SystemExit)):
            self.end("interrupted")
        else:
            self.end("failed", "%s: %s" % (type(error).__name__, error))


def run(name=None, *, key=None, db=None, **fields):
    """Begins a run, or takes up the one of the key.

    fields: group, note, tags; and of a run with images model (a name, or a dict with a name and what
    else decides its answers), dataset, split, classes (names or number), shape (channels, height,
    width), grid and weights (Elbow's spelling or numbers), configuration, seed, attack.
    """
    return _Run(name, key, db, fields)


def sync():
    """Waits until all that was told is on the disk; raises what was refused."""
    _get().sync()
