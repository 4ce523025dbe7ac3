import Basics
import Foundation
import Yams

/// The runs of a folder `mlruns`, as MLflow keeps them without a database.
package struct MLflowFolder: TrackerSource {
  private let folder: String
  private let experiments: [String]

  /// - Parameter experiments: names of those to read; empty: all.
  package init(_ folder: String, experiments: [String] = []) {
    let plain = URL(fileURLWithPath: folder).plainPath
    self.folder =
      folder.hasPrefix("/") ? plain : String(folder.reversed().drop { $0 == "/" }.reversed())
    self.experiments = experiments
  }

  /// Bytes of a file that describes a run, a parameter or a tag, at most.
  private static let largest = 1 << 20

  package func read(into lines: SourceLines) throws {
    var names: [String] = []
    var runs: [(run: MLflowRun, folder: String)] = []
    for experiment in try experimentFolders() {
      guard let about = described(experiment, lines) else { continue }
      let name = about["name"] ?? String(experiment.split(separator: "/").last ?? "")
      names.append(name)
      guard experiments.isEmpty || experiments.contains(name) else { continue }
      for folder in folders(in: experiment) where isDescribed(folder) {
        guard let run = run(in: folder, of: name, lines) else { continue }
        runs.append((run, folder))
      }
    }
    guard !names.isEmpty else {
      throw ElbowError(
        .damaged, "\(folder): has no experiments of MLflow: a folder with meta.yaml for each")
    }
    for name in experiments where !names.contains(name) {
      throw ElbowError(
        .unknownName,
        "\(folder): there is no experiment '\(name)'" + didYouMean(name, among: names))
    }
    let all = MLflowRuns(runs.map(\.run))
    for (run, folder) in runs {
      try all.write(run, at: folder, to: lines) { key in
        for name in files(in: folder + "/metrics") {
          try write("\(folder)/metrics/\(name)", name, key, to: lines)
        }
      }
    }
  }

  // MARK: Folders

  /// The folder itself where it is an experiment, else those in it.
  private func experimentFolders() throws -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue
    else { throw ElbowError(.missing, "\(folder): no such folder") }
    return isDescribed(folder) ? [folder] : folders(in: folder).filter(isDescribed)
  }

  private func isDescribed(_ folder: String) -> Bool {
    FileManager.default.fileExists(atPath: folder + "/meta.yaml")
  }

  private func folders(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
      .filter { !$0.hasPrefix(".") }.sorted().map { "\(folder)/\($0)" }
  }

  /// Files of a folder, those of folders in it with slashes in their names, as metrics have.
  private func files(in folder: String) -> [String] {
    guard let all = FileManager.default.enumerator(atPath: folder) else { return [] }
    return all.compactMap { $0 as? String }.filter { path in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: "\(folder)/\(path)", isDirectory: &isFolder)
        && !isFolder.boolValue
    }.sorted()
  }

  // MARK: Files

  private func content(_ path: String, most: Int = largest) throws -> String {
    let file = try RegularFile(path)
    guard file.size <= most else {
      throw ElbowError(.damaged, "\(path): has \(file.size) bytes; at most \(most) are expected")
    }
    return String(decoding: try file.read(upTo: file.size), as: UTF8.self)
  }

  /// The texts of a folder's meta.yaml; nil where they cannot be read, or it was deleted.
  private func described(_ folder: String, _ lines: SourceLines) -> [String: String]? {
    let path = folder + "/meta.yaml"
    do {
      let about = try Self.texts(content(path), path)
      return about["lifecycle_stage"] == "deleted" ? nil : about
    } catch {
      lines.problem("\((error as? ElbowError)?.message ?? "\(path): \(error)")")
      return nil
    }
  }

  /// The keys of a YAML mapping with those values that are plain texts.
  ///
  /// Anchors, by which a small file can mean a huge one, are refused: MLflow writes none.
  static func texts(_ yaml: String, _ path: String) throws -> [String: String] {
    guard !yaml.contains(/(^|[\n:,\[{?-])[ \t]*[&*][^\s]/) else {
      throw ElbowError(.damaged, "\(path): has anchors, which MLflow does not write")
    }
    let node: Node?
    do { node = try Yams.compose(yaml: yaml) } catch {
      throw ElbowError(.damaged, "\(path): is not YAML: \(error)")
    }
    guard let mapping = node?.mapping else {
      throw ElbowError(.damaged, "\(path): has no lines of 'key: value'")
    }
    return mapping.reduce(into: [:]) { texts, pair in
      guard let key = pair.key.string, let scalar = pair.value.scalar else { return }
      if scalar.style == .plain, ["null", "~", ""].contains(scalar.string) { return }
      texts[key] = scalar.string
    }
  }

  /// Numbers of statuses in meta.yaml.
  private static let statuses = [
    "1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED",
  ]

  private func run(
    in folder: String, of experiment: String, _ lines: SourceLines
  ) -> MLflowRun? {
    guard let about = described(folder, lines) else { return nil }
    guard let id = about["run_id"] ?? about["run_uuid"] else {
      lines.problem("\(folder)/meta.yaml: names no run")
      return nil
    }
    func texts(_ kind: String) -> [String: String] {
      files(in: "\(folder)/\(kind)").reduce(into: [:]) { texts, name in
        do { texts[name] = try content("\(folder)/\(kind)/\(name)") } catch {
          lines.problem("\((error as? ElbowError)?.message ?? "\(error)")")
        }
      }
    }
    let status = about["status"] ?? ""
    return MLflowRun(
      id: id, experiment: experiment, name: about["run_name"],
      status: Self.statuses[status] ?? status, started: about["start_time"].flatMap { Int($0) },
      ended: about["end_time"].flatMap { Int($0) }, parameters: texts("params"),
      tags: texts("tags"))
  }

  /// Writes the points of a file: time, value and step on every line.
  private func write(
    _ path: String, _ name: String, _ key: String, to lines: SourceLines
  ) throws {
    let text: String
    do { text = try content(path, most: 1 << 31) } catch let error as ElbowError {
      return lines.problem(error.message)
    }
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    where !line.allSatisfy(\.isWhitespace) {
      let words = line.split(separator: " ")
      guard words.count >= 2, let time = Int(words[0]), let value = Double(words[1]),
        let step = words.count > 2 ? Int(words[2]) : 0
      else {
        lines.problem("\(path), line \(number + 1): is not 'time value step': '\(line.prefix(80))'")
        continue
      }
      try lines.point(of: key, name, step: step, time: time, value) {
        "\(path), line \(number + 1)"
      }
    }
  }
}
