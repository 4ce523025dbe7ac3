import Basics
import Foundation
import Packaging
import TestSupport
import Testing

/// Files put into a prefix and taken out again.
@Suite struct InstallationTests {
  private let folder: TemporaryFolder
  private let prefix: String
  private let installation: Installation

  init() throws {
    folder = try TemporaryFolder()
    prefix = folder.file("prefix")
    installation = Installation(prefix: prefix, version: "1")
  }

  private func file(_ path: String, _ text: String, isProgram: Bool = false) -> Installation.File {
    .init(path, Data(text.utf8), isProgram: isProgram)
  }

  private func outcomes(_ report: Installation.Report) -> [String] {
    report.map { "\($0.path) \($0.outcome.rawValue)" }
  }

  private func text(_ path: String) -> String? {
    try? String(contentsOfFile: prefix + "/" + path, encoding: .utf8)
  }

  @Test func installsAndRemoves() throws {
    let files = [file("bin/elbow", "program", isProgram: true), file("share/elbow/m/a", "model")]
    #expect(
      try outcomes(installation.install(files)) == ["bin/elbow written", "share/elbow/m/a written"])
    #expect(FileManager.default.isExecutableFile(atPath: prefix + "/bin/elbow"))
    #expect(!FileManager.default.isExecutableFile(atPath: prefix + "/share/elbow/m/a"))
    #expect(try outcomes(installation.install(files)).allSatisfy { $0.hasSuffix("unchanged") })
    #expect(try outcomes(installation.uninstall()).allSatisfy { $0.hasSuffix("removed") })
    #expect(!FileManager.default.fileExists(atPath: prefix))
    #expect(throws: ElbowError.self) { try installation.uninstall() }
  }

  @Test func replacesOnlyItsOwn() throws {
    _ = try installation.install([file("bin/elbow", "old"), file("share/gone", "gone")])
    let new = [file("bin/elbow", "new"), file("bin/other", "new")]
    // Another's file stops it before anything is written.
    try "theirs".write(toFile: prefix + "/bin/other", atomically: true, encoding: .utf8)
    #expect(throws: ElbowError.self) { try installation.install(new) }
    #expect(text("bin/elbow") == "old" && text("bin/other") == "theirs")
    try FileManager.default.removeItem(atPath: prefix + "/bin/other")
    #expect(
      try outcomes(installation.install(new))
        == ["bin/elbow written", "bin/other written", "share/gone removed"])
    #expect(text("bin/elbow") == "new" && text("share/gone") == nil)
  }

  @Test func keepsWhatWasChanged() throws {
    let files = [file("bin/elbow", "program"), file("share/man/page", "page")]
    _ = try installation.install(files)
    try "mine".write(toFile: prefix + "/share/man/page", atomically: true, encoding: .utf8)
    #expect(throws: ElbowError.self) {
      try installation.install([files[0], file("share/man/page", "new")])
    }
    try "other".write(toFile: prefix + "/bin/neighbour", atomically: true, encoding: .utf8)
    #expect(try outcomes(installation.uninstall()) == ["bin/elbow removed", "share/man/page kept"])
    #expect(text("share/man/page") == "mine" && text("bin/neighbour") == "other")
  }

  @Test func leavesFoldersThatWereThere() throws {
    try FileManager.default.createDirectory(
      atPath: prefix + "/bin", withIntermediateDirectories: true)
    _ = try installation.install([file("bin/elbow", "program")])
    _ = try installation.uninstall()
    #expect(try FileManager.default.contentsOfDirectory(atPath: prefix) == ["bin"])
  }

  /// A list that names files elsewhere must not have them removed.
  @Test func staysInItsPrefix() throws {
    try folder.write("outside", "x")
    _ = try installation.install([file("bin/elbow", "program")])
    let list = InstallationManifest(
      version: "1", files: ["../outside": SHA256.hexDigest(of: "x")])
    try JSONEncoder().encode(list)
      .write(to: URL(fileURLWithPath: prefix + "/" + InstallationManifest.place))
    #expect(throws: ElbowError.self) { try installation.uninstall() }
    #expect(FileManager.default.fileExists(atPath: folder.file("outside")))
  }

  // MARK: The program

  /// The installed program, away from home, path and checkout.
  private func installed(_ arguments: String..., elbow: Program) throws -> Program.Result {
    let tag = UUID().uuidString
    let process = try elbow.process(arguments, tag: tag)
    process.executableURL = URL(fileURLWithPath: prefix + "/bin/elbow")
    process.environment = ["PATH": "/usr/bin:/bin", "HOME": ""]
    try process.run()
    return try elbow.result(process, tag: tag)
  }

  @Test func programWorksWhereItIsInstalled() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let result = try elbow.run("install", "--prefix", prefix, "--format", "json")
    #expect(result.status == 0, "\(result.errors)")
    let files = Set(try result.objects.compactMap { $0["file"] as? String })
    let wanted =
      ["bin/elbow", "share/elbow/models/fashion-mnist.safetensors"]
      + ["elbow.1", "elbow-run.1", "elbow-log-new.1", "elbow-install.1"].map {
        "share/man/man1/\($0)"
      }
      + Shell.allCases.map(\.place)
    #expect(files.isSuperset(of: wanted))
    #expect(!files.contains("share/man/man1/elbow-complete.1"))
    #expect(text(Shell.bash.place) == Shell.bash.script)

    let run = try installed(
      "run", "--images", "2", "--grid", "linear:0.05:3:2", "--format", "json", elbow: elbow)
    #expect(run.status == 0, "\(run.errors)")
    #expect(try run.object["images"] as? Int == 2)
    let model = try installed("model", "inspect", "fashion-mnist", "--format", "csv", elbow: elbow)
    #expect(
      model.output.contains("\(prefix)/share/elbow/models/fashion-mnist.safetensors"),
      "\(model.output)")
    // A prefix that is there is spelled as one that is not, or PATH would not be found to hold it.
    #expect(Installation(prefix: prefix, version: "1").prefix == installation.prefix)
    // It finds the models of its prefix, and no others.
    try FileManager.default.moveItem(
      atPath: prefix + "/share/elbow/models", toPath: prefix + "/share/elbow/away")
    let lost = try installed("model", "inspect", "fashion-mnist", elbow: elbow)
    #expect(lost.status == 1 && lost.errors.contains("\(prefix)/share/elbow/models"))
    try FileManager.default.moveItem(
      atPath: prefix + "/share/elbow/away", toPath: prefix + "/share/elbow/models")

    #expect(try elbow.run("uninstall", "--prefix", prefix).status == 0)
    #expect(!FileManager.default.fileExists(atPath: prefix))
  }

  #if os(Linux)
    /// Where there is no Swift, its libraries are missing.
    @Test func programHoldsSwiftsLibrary() throws {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["ldd", Program.path]
      let pipe = Pipe()
      process.standardOutput = pipe
      try process.run()
      let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(output.contains("libc.so"))
      #expect(!output.contains("libswift") && !output.contains("libFoundation"))
    }
  #endif
}
