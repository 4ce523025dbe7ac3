import Foundation

/// A tracking server of MLflow in standard Python, for tests: the part of the interface that is asked,
/// with MLflow's bounds on requests, names and changes of parameters, and its pages.
package final class StandInMLflow {
  /// Where it is.
  package let address: String
  private let process = Process()
  private let folder: TemporaryFolder

  /// Starts it.
  ///
  /// - Parameters:
  ///   - page: things of a page at most, whatever is asked for.
  ///   - password: what is to be given with the name `user`; empty: nothing.
  package init(page: Int = 1000, password: String = "") throws {
    folder = try TemporaryFolder()
    let script = try folder.write("server.py", Self.program)
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", script, folder.path, "\(page)", password]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    address = "http://127.0.0.1:" + line.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  deinit {
    // What a thread of tests starts may have SIGTERM blocked.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// What was asked of it, as `POST runs/create`, since this was read last.
  package func requests() throws -> [String] {
    let path = folder.file("requests")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try "".write(toFile: path, atomically: false, encoding: .utf8)
    return text.split(separator: "\n").map(String.init)
  }

  /// A file that was sent to it.
  package func artifact(_ path: String) throws -> String {
    try String(contentsOfFile: folder.file("artifacts/" + path), encoding: .utf8)
  }

  /// Makes it answer to a path with an error, until that is empty.
  package func fail(at path: String) throws { try folder.write("failing", path) }

  private static let program = """
    import base64, json, os, re, sys, urllib.parse
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    folder, page, password = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    experiments, runs, lines = [], {}, open(folder + "/requests", "a")

    class Refusal(Exception):
        pass

    def need(holds, code, message):
        if not holds:
            raise Refusal(code, message)

    def name(text):
        need(re.fullmatch(r"[/\\w.\\- :]+", text) and len(text) <= 250 and os.path.normpath(text) == text
             and not text.startswith("/"), "INVALID_PARAMETER_VALUE", "Invalid name " + repr(text))
        return text

    def add_tags(run, tags):
        for tag in tags:
            need(len(tag["value"]) <= 8000, "INVALID_PARAMETER_VALUE", "a tag is too long")
            run["tags"][name(tag["key"])] = tag["value"]

    def pairs(texts):
        return [{"key": k, "value": v} for k, v in texts.items()]

    def shown(run):
        last = {}
        for p in run["points"]:
            last[p["key"]] = p
        return {"info": run["info"], "inputs": {"dataset_inputs": run["inputs"]},
                "data": {"metrics": list(last.values()), "params": pairs(run["params"]),
                         "tags": pairs(run["tags"])}}

    def paged(key, things, body):
        start = int(body.get("page_token") or 0)
        size = min(page, int(body["max_results"]))
        answer = {key: things[start:start + size]}
        if start + size < len(things):
            answer["next_page_token"] = str(start + size)
        return answer

    def answer(path, body):
        run = runs.get(body.get("run_id"))
        if path == "experiments/create":
            experiments.append({"experiment_id": str(len(experiments) + 1), "name": body["name"],
                                "lifecycle_stage": "active"})
            return experiments[-1]
        if path == "experiments/get-by-name":
            found = [e for e in experiments if e["name"] == body["experiment_name"]]
            need(found, "RESOURCE_DOES_NOT_EXIST", "no such experiment")
            return {"experiment": found[0]}
        if path == "experiments/search":
            return paged("experiments", experiments, body)
        if path == "runs/create":
            id = "%032x" % (len(runs) + 1)
            runs[id] = run = {"params": {}, "tags": {}, "points": [], "inputs": [], "info": {
                "run_id": id, "experiment_id": body["experiment_id"], "status": "RUNNING",
                "run_name": body["run_name"], "start_time": body["start_time"],
                "artifact_uri": "mlflow-artifacts:/1/%s/artifacts" % id}}
            add_tags(run, body.get("tags", []))
            return {"run": shown(run)}
        if path == "runs/search":
            found = [r for r in runs.values() if r["info"]["experiment_id"] in body["experiment_ids"]]
            if body.get("filter"):
                tag = re.fullmatch(r"tags\\.`(.+)` LIKE '%'", body["filter"]).group(1)
                found = [r for r in found if tag in r["tags"]]
            return paged("runs", [shown(r) for r in found], body)
        need(run, "RESOURCE_DOES_NOT_EXIST", "no such run")
        if path == "runs/update":
            run["info"].update({k: body[k] for k in ("status", "end_time", "run_name") if k in body})
        elif path == "runs/set-tag":
            add_tags(run, [body])
        elif path == "runs/delete-tag":
            del run["tags"][body["key"]]
        elif path == "runs/log-inputs":
            run["inputs"] += body["datasets"]
        elif path == "runs/log-batch":
            for key, most in (("metrics", 1000), ("params", 100), ("tags", 100)):
                need(len(body.get(key, [])) <= most, "INVALID_PARAMETER_VALUE", "too many " + key)
            for param in body.get("params", []):
                need(run["params"].setdefault(name(param["key"]), param["value"]) == param["value"],
                     "INVALID_PARAMETER_VALUE", "Changing param values is not allowed")
            add_tags(run, body.get("tags", []))
            for point in body.get("metrics", []):
                name(point["key"])
                need(float(point["value"]) == float(point["value"]) or point["value"] == "NaN",
                     "INVALID_PARAMETER_VALUE", "no number")
                if point["value"] in ("Infinity", "-Infinity"):
                    point["value"] = float(point["value"][:-8] + "1.7976931348623157e308")
                run["points"].append(point)
        elif path == "metrics/get-history":
            return paged("metrics", [p for p in run["points"] if p["key"] == body["metric_key"]], body)
        else:
            need(False, "ENDPOINT_NOT_FOUND", path)
        return {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            pass

        def take(self):
            address = urllib.parse.urlsplit(self.path)
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = address.path.removeprefix("/api/2.0/").removeprefix("mlflow/")
            lines.write(self.command + " " + path + "\\n")
            lines.flush()
            status, said = 200, {}
            given = "Basic " + base64.b64encode(("user:" + password).encode()).decode()
            failing = os.path.exists(folder + "/failing") and open(folder + "/failing").read()
            if password and self.headers.get("Authorization") != given:
                status, said = 401, {"error_code": "UNAUTHENTICATED", "message": "You are not authenticated"}
            elif failing and path == failing:
                status, said = 500, {"error_code": "INTERNAL_ERROR", "message": "the disk is full"}
            elif path.startswith("mlflow-artifacts/artifacts/"):
                target = folder + "/artifacts/" + path.removeprefix("mlflow-artifacts/artifacts/")
                os.makedirs(os.path.dirname(target), exist_ok=True)
                open(target, "wb").write(data)
            else:
                body = json.loads(data) if data else dict(urllib.parse.parse_qsl(address.query))
                try:
                    said = answer(path, body)
                except Refusal as refusal:
                    status = 404 if refusal.args[0] == "RESOURCE_DOES_NOT_EXIST" else 400
                    said = {"error_code": refusal.args[0], "message": refusal.args[1]}
            text = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = take

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
    """
}
