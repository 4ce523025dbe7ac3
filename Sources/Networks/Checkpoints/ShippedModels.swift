import Basics
import Foundation
import Records

/// The checkpoints that come with Elbow.
///
/// They are found from where the program is, never from where it was built: an installed copy works
/// when the checkout is gone.
public enum ShippedModels {
  /// What `--model` names by default.
  public static let standard = "fashion-mnist"

  /// Where they are; nil where the program was copied without them.
  public static let folder: String? = folders.first {
    FileManager.default.fileExists(atPath: $0 + "/\(standard).safetensors")
  }

  /// Where they may be: in the build's resources beside the program, or in `share` of its prefix.
  static let folders: [String] = {
    let beside = programFolder
    return [
      beside.appending(path: "elbow_Networks.resources/Models"),
      beside.deletingLastPathComponent().appending(path: "share/elbow/models"),
    ].map(\.standardizedFileURL.plainPath) + builtIn
  }()

  private static var builtIn: [String] {
    #if os(Linux)
      // Asking for a bundle that is not there ends the program.
      return []
    #else
      return [Bundle.module.bundlePath + "/Models"]
    #endif
  }

  /// Folder of the program's real file, links followed.
  private static var programFolder: URL {
    let program =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? Bundle.main.executableURL?.resolvingSymlinksInPath().path(percentEncoded: false)
      ?? CommandLine.arguments[0]
    return URL(fileURLWithPath: program).deletingLastPathComponent()
  }

  /// Names, sorted.
  public static var names: [String] {
    let files = folder.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0) }
    return (files ?? []).filter { $0.hasSuffix(".safetensors") }
      .map { String($0.dropLast(".safetensors".count)) }.sorted()
  }

  /// The file that NAME|FILE means: a shipped name, else a path.
  ///
  /// - Throws: `ElbowError` where it is neither.
  public static func path(of nameOrFile: String) throws -> String {
    if let folder, names.contains(nameOrFile) { return folder + "/\(nameOrFile).safetensors" }
    if FileManager.default.fileExists(atPath: nameOrFile) { return nameOrFile }
    guard folder != nil else {
      throw ElbowError(
        .missing,
        "no model '\(nameOrFile)': no such file, and the shipped models are not in "
          + "\(folders.joined(separator: " or ")); install them with the program: 'elbow install'")
    }
    throw ElbowError(
      .unknownName,
      "no model '\(nameOrFile)': neither a file nor a shipped model "
        + "(\(names.joined(separator: ", ")))\(didYouMean(nameOrFile, among: names))")
  }
}
