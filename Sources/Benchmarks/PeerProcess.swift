import Basics
import Engines
import Foundation
import Records

/// A Python process that times the same denoiser in PyTorch and other runtimes, one figure whenever it
/// is asked.
final class PeerProcess {
  /// How it may compute: PyTorch in Float32 in both layouts in memory, in bfloat16 by autocast, and
  /// compiled; ONNX Runtime and OpenVINO.
  static let ways = [
    "torch_nchw", "torch_nhwc", "torch_bf16", "torch_compiled", "onnxruntime", "openvino",
  ]
  /// What may compute it.
  static let modules = ["torch", "onnxruntime", "openvino"]

  /// The measures that each way can take here.
  private(set) var ways: [String: [String]] = [:]
  /// Of what computes.
  private(set) var versions: [String: String] = [:]
  private let process = Process()
  private let (input, output) = (Pipe(), Pipe())
  private let folder: URL
  private var read = Data()

  /// Starts `python` on a model.
  ///
  /// - Parameters:
  ///   - python: an interpreter that has PyTorch, by path or name.
  ///   - model: path of the weights.
  ///   - batch: images a batch.
  ///   - threads: that PyTorch may use.
  /// - Throws: `ElbowError` where it cannot be started, or does not come up.
  init(_ python: String, model: String, batch: Int, threads: Int) throws {
    folder = FileManager.default.temporaryDirectory.appending(
      path: "elbow-peers-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let script = folder.appending(path: "peers.py")
    try Data(PackageResources.peers_py).write(to: script)
    try Data(EngineServer.python.utf8).write(to: folder.appending(path: "serve.py"))
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [python, script.path, model, "\(batch)", "\(threads)"]
    (process.standardInput, process.standardOutput) = (input, output)
    do { try process.run() } catch {
      throw ElbowError(.inaccessible, "'\(python)' cannot be started (\(error))")
    }
    let first = try line(python)
    guard let about = try? JSONDecoder().decode(About.self, from: Data(first.utf8)) else {
      throw ElbowError(.inaccessible, "the peer '\(python)' says '\(first)' of itself")
    }
    (ways, versions) = (about.ways, about.versions)
  }

  /// What the script says of itself.
  private struct About: Decodable {
    var ways: [String: [String]]
    var versions: [String: String]
  }

  deinit {
    try? input.fileHandleForWriting.close()
    if process.isRunning { process.waitUntilExit() }
    try? FileManager.default.removeItem(at: folder)
  }

  /// Images a second.
  ///
  /// - Throws: `ElbowError` where the process ends instead.
  func rate(_ way: String, _ measure: String, seconds: Double) throws -> Double {
    try input.fileHandleForWriting.write(contentsOf: Data("\(way) \(measure) \(seconds)\n".utf8))
    let answer = try line(way)
    guard let rate = Double(answer) else {
      throw ElbowError(.inaccessible, "the peer answers '\(answer)' where a rate is asked for")
    }
    return rate
  }

  private func line(_ what: String) throws -> String {
    while true {
      if let end = read.firstIndex(of: UInt8(ascii: "\n")) {
        defer { read = Data(read[read.index(after: end)...]) }
        return String(decoding: read[..<end], as: UTF8.self)
      }
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else {
        throw ElbowError(
          .inaccessible,
          "the peer '\(what)' has ended: what it wrote says why; it needs PyTorch, and a model that "
            + "'serve.py' can serve")
      }
      read += more
    }
  }
}
