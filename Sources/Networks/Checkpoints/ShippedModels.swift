import Basics
import Foundation
import Records

/// The checkpoints that come with Elbow.
public enum ShippedModels {
  /// What `--model` names by default.
  public static let standard = "fashion-mnist"

  /// Names, sorted.
  public static var names: [String] {
    let files = try? FileManager.default.contentsOfDirectory(
      atPath: Bundle.module.bundlePath + "/Models")
    return (files ?? []).filter { $0.hasSuffix(".safetensors") }
      .map { String($0.dropLast(".safetensors".count)) }.sorted()
  }

  /// The file that NAME|FILE means: a shipped name, else a path.
  ///
  /// - Throws: `ElbowError` where it is neither.
  public static func path(of nameOrFile: String) throws -> String {
    if names.contains(nameOrFile) {
      return Bundle.module.bundlePath + "/Models/\(nameOrFile).safetensors"
    }
    if FileManager.default.fileExists(atPath: nameOrFile) { return nameOrFile }
    throw ElbowError(
      .unknownName,
      "no model '\(nameOrFile)': neither a file nor a shipped model "
        + "(\(names.joined(separator: ", ")))\(didYouMean(nameOrFile, among: names))")
  }
}
