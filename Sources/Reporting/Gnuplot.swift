import Basics
import Foundation

/// gnuplot, as a process with a script on its standard input.
package enum Gnuplot {
  /// Where it is installed; nil: nowhere that `PATH` names.
  package static var path: String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/gnuplot" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// The image that gnuplot makes of a figure.
  ///
  /// - Throws: `ElbowError`, with the remedy.
  package static func image(of figure: Figure, _ format: Figure.ImageFormat) throws -> Data {
    guard let path else {
      throw ElbowError(
        .missing,
        "gnuplot, which draws \(format.rawValue) files, is not installed: 'apt-get install "
          + "gnuplot-nox'; without -o plots are drawn in the terminal")
    }
    let file = FileManager.default.temporaryDirectory
      .appending(path: "elbow-\(UUID().uuidString).\(format.rawValue)")
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    let (script, errors) = (Pipe(), Pipe())
    process.standardInput = script
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    try process.run()
    let text = figure.gnuplot(format, output: file.path(percentEncoded: false))
    // A gnuplot that gives up early closes the pipe; what it says is read below.
    try? script.fileHandleForWriting.write(contentsOf: Data(text.utf8))
    try? script.fileHandleForWriting.close()
    let complaint = try errors.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    let data = (try? Data(contentsOf: file)) ?? Data()
    guard process.terminationStatus == 0, !data.isEmpty else {
      let text = String(decoding: complaint, as: UTF8.self).trimmed
      throw ElbowError(
        .missing,
        "gnuplot could not draw the figure: \(text.isEmpty ? "no output" : text); keep "
          + "its script with `script` FILE to see why")
    }
    guard format == .svg else { return data }
    return Data(figure.described(svg: String(decoding: data, as: UTF8.self)).utf8)
  }
}
