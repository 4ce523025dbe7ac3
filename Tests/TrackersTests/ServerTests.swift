import Basics
import Foundation
import Records
import RunStore
import TestSupport
import Testing

import Trackers

/// Runs go to a server of MLflow, and come back as they were.
struct ServerTests {
  private let file: Recorded
  private let server: StandInMLflow

  init() throws {
    (file, server) = (try Recorded(), try StandInMLflow(page: 2))
    // Two runs in a group, one by itself that goes on, with all that texts and numbers may be.
    try file.lines([
      #"{"type":"run","run":"01JCZ5M0000000000000000001","name":"first","group":"sweep/a","note":"Über\n\"x\"","tags":{"params.lr":"0.1","params.opt.name":"adam","stage":"trial"},"started":1732000000.123}"#,
      #"{"type":"metrics","run":"01JCZ5M0000000000000000001","step":0,"time":1732000001.001,"values":{"loss":0.1,"acc":null}}"#,
      #"{"type":"metrics","run":"01JCZ5M0000000000000000001","step":7,"time":1732000002.002,"values":{"loss":Infinity,"tiny":5e-324}}"#,
      #"{"type":"metrics","run":"01JCZ5M0000000000000000001","step":8,"time":1732000003.003,"values":{"loss":-Infinity,"train/loss":1e300}}"#,
      #"{"type":"end","run":"01JCZ5M0000000000000000001","status":"failed","error":"no more","time":1732000009.999}"#,
      #"{"type":"run","run":"01JCZ5M0000000000000000002","group":"sweep/a","started":1732000010}"#,
      #"{"type":"end","run":"01JCZ5M0000000000000000002","status":"interrupted","time":1732000011}"#,
      #"{"type":"run","run":"01JCZ5M0000000000000000003","name":"alone","started":1732000020}"#,
    ])
  }

  private func send(
    _ experiment: String = "elbow"
  ) throws -> (states: [String], points: Int, notes: [String]) {
    let store = try RunStore(file.database, for: .read)
    defer { store.close() }
    let notes = Notes()
    let export = MLflowExport(
      store, to: try MLflowServer(server.address), experiment: experiment,
      watch: WorkWatch(update: { _ in }, note: { notes.add($0) }))
    let sent = try export.send(file.rows("SELECT id FROM runs ORDER BY id"))
    return (sent.map(\.state), sent.reduce(0) { $0 + $1.points }, notes.all)
  }

  @Test func whatWasSentComesBackAsItWas() throws {
    let sent = try send()
    #expect(sent.states == ["new", "new", "new"] && sent.points == 6 && sent.notes.isEmpty)
    let back = try Recorded()
    let source = MLflowServerRuns(try MLflowServer(server.address))
    let (totals, problems) = try back.record(source)
    #expect(problems.isEmpty && totals.runs == 3 && totals.new == 3 && totals.points == 6)
    let (there, here) = (try back.everything(), try file.everything())
    #expect(there == here)
    #expect(here.contains { $0.contains("2024-11-19T07:06:40.123Z") })
    // Again it adds nothing, there or here.
    #expect(try back.record(source).totals.points == 0)
    #expect(try back.everything() == there)
    #expect(try file.record(source).totals.own == 0)
    #expect(try file.everything() == here)
  }

  @Test func whatIsThereIsNotSentAgain() throws {
    _ = try send()
    _ = try server.requests()
    #expect(try send().states == ["unchanged", "unchanged", "unchanged"])
    #expect(
      Set(try server.requests()) == ["GET experiments/get-by-name", "POST runs/search"])
    try file.lines([
      #"{"type":"run","run":"01JCZ5M0000000000000000003","started":1732000020}"#,
      #"{"type":"metrics","run":"01JCZ5M0000000000000000003","step":0,"values":{"loss":0.5}}"#,
      #"{"type":"labels","run":"01JCZ5M0000000000000000003","tags":{"params.late":"1"}}"#,
      #"{"type":"end","run":"01JCZ5M0000000000000000003","time":1732000030}"#,
      #"{"type":"run","run":"01JCZ5M0000000000000000001","started":1732000000.123}"#,
      #"{"type":"metrics","run":"01JCZ5M0000000000000000001","step":9,"time":1732000004,"values":{"loss":3}}"#,
      #"{"type":"end","run":"01JCZ5M0000000000000000001","status":"failed","time":1732000009.999}"#,
    ])
    let again = try send()
    #expect(again.states == ["updated", "unchanged", "updated"] && again.points == 2)
    #expect(try server.requests().filter { $0.contains("create") }.isEmpty)
    let back = try Recorded()
    #expect(try back.record(MLflowServerRuns(try MLflowServer(server.address))).totals.points == 8)
    #expect(try back.rows("SELECT value FROM run_tag WHERE key = 'params.late'") == ["1"])
    #expect(try back.rows("SELECT status FROM runs WHERE name = 'alone'") == ["finished"])
  }

  @Test func aSendingThatBrokeOffIsTakenUp() throws {
    try server.fail(at: "runs/log-batch")
    let error = #expect(throws: ElbowError.self) { try send() }
    #expect(
      error?.message.contains("runs/log-batch failed with status 500: the disk is full") == true)
    try server.fail(at: "")
    _ = try server.requests()
    #expect(try send().points == 6)
    #expect(try server.requests().filter { $0 == "POST runs/create" }.isEmpty)
    let back = try Recorded()
    _ = try back.record(MLflowServerRuns(try MLflowServer(server.address)))
    let (there, here) = (try back.everything(), try file.everything())
    #expect(there == here)
  }

  @Test func namesAndTextsAreMadeToFit() throws {
    let long = String(repeating: "x", count: 9000)
    try file.lines([
      #"{"type":"run","run":"odd","started":1732000000,"tags":{"params.a+b":"1","params.a-b":"2","t":"\#(long)"}}"#,
      #"{"type":"metrics","run":"odd","step":0,"values":{"acc@5":1,"acc%5":2,"../up":3,"//":4}}"#,
    ])
    let notes = try send().notes
    #expect(notes.contains { $0.contains("'acc@5'") && $0.contains("'acc_5") })
    #expect(notes.contains { $0.contains("'../up'") && $0.contains("'_/up'") })
    #expect(notes.contains { $0.contains("the tag 't'") && $0.contains("8000 are sent") })
    let back = try Recorded()
    _ = try back.record(MLflowServerRuns(try MLflowServer(server.address)))
    #expect(
      try back.rows("SELECT name FROM metrics ORDER BY name").filter { $0.hasPrefix("acc_5") }.count
        == 2)
    #expect(
      try back.rows("SELECT key FROM run_tag WHERE key LIKE 'params.a%' ORDER BY 1") == [
        "params.a-b", "params.a_b",
      ])
  }

  @Test func passwordsAreNeededAndComeFromTheEnvironment() throws {
    let server = try StandInMLflow(password: "se \"cr\\et")
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let without = try MLflowServer(server.address, environment: ["PATH": path])
    let error = #expect(throws: ElbowError.self) { try file.record(MLflowServerRuns(without)) }
    #expect(error?.message.contains("MLFLOW_TRACKING_USERNAME") == true)
    #expect(error?.message.contains("You are not authenticated") == true)
    let with = try MLflowServer(
      server.address,
      environment: [
        "PATH": path, "MLFLOW_TRACKING_USERNAME": "user",
        "MLFLOW_TRACKING_PASSWORD": "se \"cr\\et",
      ])
    #expect(try file.record(MLflowServerRuns(with)).totals.runs == 0)
  }

  @Test func nothingSecretStandsOnTheCommandLine() throws {
    // A curl that writes down what it is given.
    let curl = try file.folder.write(
      "curl",
      "#!/bin/sh\necho \"$@\" >'\(file.folder.path)/arguments'\ncat >'\(file.folder.path)/input'\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: curl)
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let server = try MLflowServer(
      "http://example.invalid",
      environment: ["PATH": "\(file.folder.path):\(path)", "MLFLOW_TRACKING_TOKEN": "secret"])
    #expect(throws: ElbowError.self) { try file.record(MLflowServerRuns(server)) }
    let said = try String(contentsOfFile: file.folder.file("arguments"), encoding: .utf8)
    #expect(said == "--disable --config -\n")
    let input = try String(contentsOfFile: file.folder.file("input"), encoding: .utf8)
    #expect(input.contains("Authorization: Bearer secret") && input.contains("example.invalid"))
  }

  @Test func troubleIsSaid() throws {
    func message(_ body: () throws -> Void) -> String {
      do { try body() } catch { return (error as? ElbowError)?.message ?? "\(error)" }
      return ""
    }
    #expect(
      message { _ = try MLflowServer("http://a:b@localhost:5000") }
        .contains("MLFLOW_TRACKING_PASSWORD"))
    #expect(message { _ = try MLflowServer("http://") }.contains("no address"))
    #expect(
      message { _ = try MLflowServer("http://localhost", environment: ["PATH": "/nowhere"]) }
        .contains("apt-get install curl"))
    #expect(
      message { _ = try file.record(MLflowServerRuns(try MLflowServer("http://127.0.0.1:1"))) }
        .contains("cannot be reached"))
    #expect(
      message {
        _ = try file.record(
          MLflowServerRuns(try MLflowServer(server.address), experiments: ["nope"]))
      }.contains("no experiment 'nope'"))
    try server.fail(at: "metrics/get-history")
    _ = try send()
    #expect(
      message { _ = try file.record(MLflowServerRuns(try MLflowServer(server.address))) }
        .contains("the disk is full"))
  }

  @Test func manyPointsGoInRequestsOfTheSizeThatIsTaken() throws {
    let values = (0..<2500).map {
      #"{"type":"metrics","run":"long","step":\#($0),"time":1732000000,"values":{"loss":\#($0)}}"#
    }
    let tags = (0..<250).map { "\"params.p\($0)\":\"\($0)\",\"t\($0)\":\"\"" }
    try file.lines(
      [
        #"{"type":"run","run":"long","started":1732000000,"tags":{\#(tags.joined(separator: ","))}}"#
      ]
        + values)
    #expect(try send().points == 2506)
    #expect(try server.requests().filter { $0 == "POST runs/log-batch" }.count >= 4)
  }
}
