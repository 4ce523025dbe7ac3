import Basics
import Foundation

/// Files put into a prefix, as `~/.local`, and taken out again.
///
/// Nothing that was not installed is ever changed: a file that is there already, and is neither the
/// same nor listed unchanged in the manifest, stops an installation before it begins.
package struct Installation {
  /// A file to be installed.
  package struct File {
    /// Path in the prefix.
    package let path: String
    /// What it holds.
    package let contents: Data
    /// Whether it is a program.
    package let isProgram: Bool

    /// A file of these contents.
    package init(_ path: String, _ contents: Data, isProgram: Bool = false) {
      (self.path, self.contents, self.isProgram) = (path, contents, isProgram)
    }
  }

  /// What became of a file.
  package enum Outcome: String, Sendable { case written, unchanged, removed, kept }

  /// Files with what became of them, by path.
  package typealias Report = [(path: String, outcome: Outcome)]

  /// Where files go, an absolute path.
  package let prefix: String
  /// Version of what is installed.
  package let version: String

  private var manager: FileManager { .default }

  /// Installation of a version into a prefix, in which `~` stands for the home folder.
  package init(prefix: String, version: String) {
    let path = NSString(string: prefix).expandingTildeInPath
    self.prefix = URL(fileURLWithPath: path).standardizedFileURL.plainPath
    self.version = version
  }

  /// Writes the files, and removes those of an earlier installation that are no more among them.
  ///
  /// - Returns: every file, sorted.
  /// - Throws: `ElbowError`, before anything is written, where another file is in the way, and where
  ///   one cannot be written; installing again is then all that is needed.
  package func install(_ files: [File]) throws -> Report {
    let old = try InstallationManifest(prefix: prefix)
    let hashes = Dictionary(uniqueKeysWithValues: files.map { ($0.path, Self.hash($0.contents)) })
    var isThere: Set<String> = []
    for file in files {
      guard let found = try hash(at: file.path) else { continue }
      if found == hashes[file.path] {
        isThere.insert(file.path)
      } else if found != old?.files[file.path] {
        throw inTheWay(file.path, isOwn: old?.files[file.path] != nil)
      }
    }
    var manifest = InstallationManifest(
      version: version, files: hashes, folders: old?.folders ?? [])
    var report: Report = []
    for file in files {
      if !isThere.contains(file.path) { try write(file, &manifest.folders) }
      report.append((file.path, isThere.contains(file.path) ? .unchanged : .written))
    }
    for (path, hash) in old?.files ?? [:] where hashes[path] == nil {
      report.append((path, try remove(path, hash)))
    }
    try makeFolder(
      (InstallationManifest.place as NSString).deletingLastPathComponent, &manifest.folders)
    try write(File(InstallationManifest.place, manifest.encoded()), &manifest.folders)
    return report.sorted { $0.path < $1.path }
  }

  /// Removes what the manifest lists, but for files that were changed since, and the folders that
  /// were made for it, where nothing else is in them.
  ///
  /// - Returns: every file, sorted.
  /// - Throws: `ElbowError` where nothing is installed, or a file cannot be removed.
  package func uninstall() throws -> Report {
    guard let manifest = try InstallationManifest(prefix: prefix) else {
      throw ElbowError(
        .missing, "nothing is installed in \(prefix): there is no \(InstallationManifest.place)")
    }
    let report: Report = try manifest.files.map { ($0.key, try remove($0.key, $0.value)) }
    try remove(InstallationManifest.place)
    // Folders that lie in others come first; one that holds something else stays.
    for folder in manifest.folders.sorted(by: >) { rmdir(absolute(folder)) }
    return report.sorted { $0.path < $1.path }
  }

  private func inTheWay(_ path: String, isOwn: Bool) -> ElbowError {
    ElbowError(
      .conflict,
      isOwn
        ? "\(absolute(path)): was changed since it was installed; move it away"
        : "\(absolute(path)): is there already and was not installed by elbow; move it away")
  }

  private func absolute(_ path: String) -> String { path.isEmpty ? prefix : "\(prefix)/\(path)" }

  /// Writes a file whole or not at all, so that a program that is running can be replaced.
  private func write(_ file: File, _ folders: inout [String]) throws {
    let path = absolute(file.path)
    do {
      try makeFolder((file.path as NSString).deletingLastPathComponent, &folders)
      try file.contents.write(to: URL(fileURLWithPath: path), options: .atomic)
      try manager.setAttributes(
        [.posixPermissions: file.isProgram ? 0o755 : 0o644], ofItemAtPath: path)
    } catch {
      throw ElbowError(
        .inaccessible,
        "\(path): cannot be written (\(error.localizedDescription)); choose another `prefix`")
    }
  }

  private func makeFolder(_ path: String, _ folders: inout [String]) throws {
    guard !manager.fileExists(atPath: absolute(path)) else { return }
    if !path.isEmpty {
      try makeFolder((path as NSString).deletingLastPathComponent, &folders)
    }
    // What is above the prefix is not ours to remove.
    try manager.createDirectory(atPath: absolute(path), withIntermediateDirectories: path.isEmpty)
    if !folders.contains(path) { folders.append(path) }
  }

  /// Removes a file that is as it was installed.
  private func remove(_ path: String, _ hash: String) throws -> Outcome {
    guard let found = try self.hash(at: path) else { return .removed }
    guard found == hash else { return .kept }
    try remove(path)
    return .removed
  }

  private func remove(_ path: String) throws {
    do { try manager.removeItem(atPath: absolute(path)) } catch {
      throw ElbowError(
        .inaccessible, "\(absolute(path)): cannot be removed (\(error.localizedDescription))")
    }
  }

  /// Hash of a file of the prefix; nil where there is none, and no file's where it is a folder.
  private func hash(at path: String) throws -> String? {
    var isFolder: ObjCBool = false
    guard manager.fileExists(atPath: absolute(path), isDirectory: &isFolder) else { return nil }
    guard !isFolder.boolValue else { return "" }
    do {
      let file = URL(fileURLWithPath: absolute(path))
      return Self.hash(try Data(contentsOf: file, options: .mappedIfSafe))
    } catch {
      throw ElbowError(
        .inaccessible, "\(absolute(path)): cannot be read (\(error.localizedDescription))")
    }
  }

  private static func hash(_ contents: Data) -> String {
    var hash = SHA256()
    contents.withUnsafeBytes { hash.update($0) }
    return hash.hexDigest()
  }
}
