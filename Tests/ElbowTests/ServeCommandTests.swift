import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif
import TestSupport
import Testing

/// The server as a process: what only that shows.
@Suite struct ServeCommandTests {
  /// A server that has begun to listen.
  private struct Served {
    let process: Process
    let port: UInt16

    init(_ elbow: Program, _ arguments: [String] = []) throws {
      process = try elbow.process(["serve", "--port", "0"] + arguments, tag: "serve")
      try process.run()
      var address = ""
      for _ in 0..<200 where !address.hasSuffix("\n") {
        usleep(50_000)
        address = (try? String(contentsOfFile: "\(elbow.folder)/serve.out", encoding: .utf8)) ?? ""
      }
      port = try #require(
        UInt16(address.split(separator: ":").last?.dropLast(2) ?? ""), "\(address)")
    }

    func stop() {
      process.terminate()
      process.waitUntilExit()
    }

    /// Status, head and content.
    func get(_ address: String) async throws -> (status: Int, type: String, text: String) {
      let url = try #require(URL(string: "http://127.0.0.1:\(port)\(address)"))
      let (data, response) = try await URLSession.shared.data(from: url)
      let head = try #require(response as? HTTPURLResponse)
      return (
        head.statusCode, head.value(forHTTPHeaderField: "Content-Type") ?? "",
        String(decoding: data, as: UTF8.self)
      )
    }

    /// A connection that sends a text and nothing more.
    func connection(sending text: String) -> Int32 {
      let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = inet_addr("127.0.0.1")
      let status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard status == 0 else { return -1 }
      _ = Array(text.utf8).withUnsafeBytes {
        send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      return file
    }

    /// What a connection answers, to its end.
    func answer(_ file: Int32) -> String {
      var (text, buffer): ([UInt8], [UInt8]) = ([], .init(repeating: 0, count: 4096))
      while case let count = recv(file, &buffer, buffer.count, 0), count > 0 {
        text += buffer.prefix(count)
      }
      close(file)
      return String(decoding: text, as: UTF8.self)
    }
  }

  private func recorded() throws -> Program {
    let elbow = try Program()
    for seed in ["1", "2"] {
      let run = try elbow.run(
        ["run", "--images", "3", "--seed", seed, "--name", "seed \(seed)"] + small)
      #expect(run.status == 0, "\(run.errors)")
    }
    return elbow
  }

  /// What programs get is to the byte what the command line prints.
  @Test func dataAreTheCommandLines() async throws {
    let elbow = try recorded()
    defer { elbow.remove() }
    let served = try Served(elbow)
    defer { served.stop() }
    for (address, arguments) in [
      ("/api/v1/runs", ["runs", "--format", "json"]),
      ("/api/v1/runs.csv", ["runs", "--format", "csv"]),
      (
        "/api/v1/runs?where=seed+%3D+1&columns=name,accuracy",
        ["runs", "--where", "seed = 1", "--columns", "name,accuracy", "--format", "json"]
      ),
      ("/api/v1/runs?group-by=strategy", ["runs", "--group-by", "strategy", "--format", "json"]),
      ("/api/v1/runs/@last", ["show", "@last", "--format", "json"]),
      (
        "/api/v1/comparison?run=@last~1&run=@last",
        ["compare", "@last~1", "@last", "--flips", "--format", "json"]
      ),
      (
        "/api/v1/difference.csv?run=@last~1&run=@last",
        ["diff", "@last~1", "@last", "--format", "csv"]
      ),
      ("/api/v1/pareto?all=true", ["pareto", "--all", "--format", "json"]),
      ("/api/v1/robustness.csv", ["robustness", "--format", "csv"]),
      ("/api/v1/groups", ["query", "groups", "--format", "json"]),
      ("/api/v1/trainings", ["query", "trainings", "--format", "json"]),
    ] {
      let answer = try await served.get(address)
      let printed = try elbow.run(arguments)
      #expect(
        answer.status == 200 && printed.status == 0, "\(address): \(answer.text) \(printed.errors)")
      #expect(answer.text == printed.output, "\(address)")
    }
    let id = try elbow.column("SELECT id FROM runs LIMIT 1")[0]
    let predictions = try await served.get("/api/v1/runs/\(id)/predictions.csv")
    let printed = try elbow.run("query", "predictions", "run=\(id)", "--format", "csv")
    #expect(predictions.text == printed.output)
  }

  /// A replay answers as `elbow replay` does, and records nothing; pictures are PNG.
  @Test func replaysAndPicturesAreMade() async throws {
    let elbow = try recorded()
    defer { elbow.remove() }
    let served = try Served(elbow)
    defer { served.stop() }
    let answer = try await served.get("/api/v1/replay?run=@last&family=uniform&count=2")
    let rows = try #require(
      try JSONSerialization.jsonObject(with: Data(answer.text.utf8)) as? [[String: Any]])
    let replay = try elbow.run("replay", "@last", "--strategy", "uniform:2", "--format", "json")
    let recorded = try replay.objects
    for key in ["strategy", "accuracy", "accuracy_low", "n_correct", "nfe_per_image", "n_differ"] {
      #expect("\(rows[0][key] ?? "")" == "\(recorded[0][key] ?? "")", "\(key)")
    }
    #expect(try elbow.column("SELECT count(*) FROM runs") == ["3"])
    #expect(try await served.get("/replay?run=@last~1&strategy=uniform:9").status == 400)
    for name in ["clean.png", "final.png", "difference.png"] {
      let picture = try await served.get("/runs/@last~1/images/1/\(name)")
      #expect(picture.status == 200 && picture.type == "image/png", "\(picture.text)")
    }
    #expect(try await served.get("/runs/@last~1/images/1").text.contains("clean.png"))
    #expect(try await served.get("/runs/@last~1/images/1/other.png").status == 404)
  }

  /// Error maps are made with the run's own model and noise: their sums are the losses that it recorded.
  @Test func errorMapsAreTheRunsOwn() async throws {
    let elbow = try recorded()
    defer { elbow.remove() }
    let served = try Served(elbow)
    defer { served.stop() }
    let run = "/runs/@last/images/1"
    #expect(try await served.get(run).text.contains("data-load=\"/runs/"))
    let page = try await served.get("\(run)/errors")
    #expect(page.status == 200 && page.text.contains("first.png?sigma="), "\(page.text)")
    let answer = try await served.get("/api/v1\(run)/errors?sigma=0.5,1")
    let rows = try #require(
      try JSONSerialization.jsonObject(with: Data(answer.text.utf8)) as? [[String: Any]])
    #expect(rows.count == 4)
    for row in rows {
      let (timestep, label) = ("\(row["timestep"] ?? "")", "\(row["class"] ?? "")")
      let losses = try elbow.column(
        """
        SELECT loss FROM losses WHERE image_index = 1 AND timestep = \(timestep)
          AND class = \(label) AND run_id = (SELECT max(id) FROM runs)
        """)
      let error = try #require(row["error"] as? Double)
      // The record is in Float32.
      let recorded = try losses.map { try #require(Double($0)) }
      #expect(recorded.allSatisfy { abs($0 / error - 1) < 1e-7 } && recorded.count <= 1, "\(row)")
    }
    #expect(rows.contains { "\($0["role"] ?? "")".contains("true") })
    for name in ["first.png", "second.png", "difference.png"] {
      let picture = try await served.get("\(run)/errors/\(name)?sigma=0.5")
      #expect(picture.status == 200 && picture.type == "image/png", "\(picture.text)")
    }
    #expect(try await served.get("\(run)/errors/first.png").status == 400)
    // A replay has no network, and says whose losses it replays.
    #expect(try elbow.run("replay", "@last", "--strategy", "uniform:2").status == 0)
    let replay = try await served.get("/runs/@last/images/1/errors")
    #expect(replay.status == 400 && replay.text.contains("is a replay and has no network"))
    #expect(!(try await served.get("/runs/@last/images/1").text.contains("data-load")))
  }

  /// Runs that are recorded, and a file that is replaced, meanwhile are shown.
  @Test func theFileIsReadAsItIs() async throws {
    let elbow = try recorded()
    defer { elbow.remove() }
    let served = try Served(elbow)
    defer { served.stop() }
    #expect(try await served.get("/").text.contains("2 runs"))
    #expect(try elbow.run(["run", "--images", "1"] + small).status == 0)
    #expect(try await served.get("/").text.contains("3 runs"))
    let file = "\(elbow.folder)/elbow.db"
    for suffix in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: file + suffix)
    }
    #expect(try await served.get("/").status == 404)
    #expect(try elbow.run(["run", "--images", "1"] + small).status == 0)
    #expect(try await served.get("/").text.contains("1 run"))
  }

  /// Clients that hold the server up, by the thousand, keep nobody else waiting.
  @Test func slowClientsStopNobody() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    #expect(try elbow.run("log", "new", "--name", "one").status == 0)
    let served = try Served(elbow)
    defer { served.stop() }
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = min(limit.rlim_max, 4096)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let count = Int(limit.rlim_cur) >= 1500 ? 1000 : 300
    let slow = (0..<count).map {
      served.connection(sending: $0.isMultiple(of: 2) ? "" : "GET / HT")
    }
    defer { for file in slow.dropFirst(2) where file >= 0 { close(file) } }
    #expect(slow.allSatisfy { $0 >= 0 })
    let whole = "GET / HTTP/1.1\r\nHost: 127.0.0.1:\(served.port)\r\n\r\n"
    let start = ContinuousClock.now
    #expect(served.answer(served.connection(sending: whole)).hasPrefix("HTTP/1.1 200 "))
    // Their time is up after ten seconds.
    #expect(ContinuousClock.now - start < .seconds(9))
    #expect(served.answer(slow[1]).hasPrefix("HTTP/1.1 408 "))
    #expect(served.answer(slow[0]).isEmpty)
    #expect(served.answer(served.connection(sending: whole)).hasPrefix("HTTP/1.1 200 "))
  }

  @Test func whatIsNoRequestIsRefused() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    #expect(try elbow.run("log", "new", "--name", "one").status == 0)
    let served = try Served(elbow)
    defer { served.stop() }
    let host = "Host: 127.0.0.1:\(served.port)\r\n"
    for (text, status) in [
      ("GET / HTTP/1.1\r\n\(host)\r\n", 200), ("HEAD / HTTP/1.1\r\n\(host)\r\n", 200),
      ("GET / HTTP/1.1\r\n\r\n", 421), ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
      ("nonsense\r\n\r\n", 400), ("POST / HTTP/1.1\r\n\(host)\r\n", 405),
      ("POST / HTTP/1.1\r\n\(host)Content-Length: 9\r\n\r\n", 413),
      ("GET / HTTP/1.1\r\n\(host)X: \(String(repeating: "x", count: 20_000))\r\n\r\n", 431),
      ("GET / HTTP/3\r\n\(host)\r\n", 505),
    ] {
      let answer = served.answer(served.connection(sending: text))
      #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(text.prefix(60)): \(answer.prefix(60))")
    }
    let head = served.answer(served.connection(sending: "HEAD / HTTP/1.1\r\n\(host)\r\n"))
    #expect(head.hasSuffix("\r\n\r\n") && head.contains("Content-Length: "))
  }

  @Test func wrongUseIsSaid() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let missing = try elbow.run("serve")
    #expect(missing.status == 1 && missing.errors.contains("no database"))
    let open = try elbow.run("serve", "--host", "0.0.0.0")
    #expect(open.status == 2 && open.errors.contains("--token"))
    #expect(try elbow.run("serve", "--port", "70000").status == 2)
    #expect(try elbow.run("log", "new").status == 0)
    let elsewhere = try elbow.run("serve", "--host", "192.0.2.1", "--token", "long enough")
    #expect(elsewhere.status == 1 && elsewhere.errors.contains("cannot listen"))
  }
}
