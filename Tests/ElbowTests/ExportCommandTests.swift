import Foundation
import GRDB
import TestSupport
import Testing

@Suite struct ExportCommandTests {
  /// Six images, clean and under a weak attack, with losses.
  private static func recorded() throws -> (Program, clean: String, attacked: String) {
    let elbow = try Program()
    let clean = try elbow.run(
      ["run", "--images", "6", "--name", "50 % & more", "--format", "json"] + small)
    let attacked = try elbow.run(
      [
        "run", "--images", "3", "--attack", "fgsm", "--epsilon", "8/255", "--format", "json",
        "--no-losses",
      ] + small)
    return (
      elbow, try #require(try clean.object["id"] as? String),
      try #require(try attacked.object["id"] as? String)
    )
  }

  /// Every query runs in plain SQLite, for parameters left empty where it may be.
  @Test func datasetteIsToldEverything() throws {
    let (elbow, clean, _) = try Self.recorded()
    defer { elbow.remove() }
    let written = try elbow.run("export", "--format", "datasette", "-o", "metadata.json")
    #expect(written.status == 0, "\(written.errors)")
    let data = try Data(contentsOf: URL(fileURLWithPath: elbow.folder + "/metadata.json"))
    let whole = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    let databases = try #require(whole["databases"] as? [String: [String: Any]])
    let database = try #require(databases["elbow"])
    let tables = try #require(database["tables"] as? [String: [String: Any]])
    #expect(tables["prediction"]?["hidden"] as? Bool == true)
    #expect((tables["runs"]?["description"] as? String)?.hasPrefix("One row a run") == true)
    let queries = try #require(database["queries"] as? [String: [String: Any]])
    // What a view of the same name shows is browsed there.
    #expect(queries.count > 30 && queries["runs"] == nil && tables["runs"] != nil)
    let queue = try DatabaseQueue(patient: elbow.folder + "/elbow.db")
    for (name, query) in queries {
      let sql = try #require(query["sql"] as? String)
      let names = try #require(query["params"] as? [String])
      func sum(_ given: String) throws -> Int {
        let values = StatementArguments(Array(repeating: given, count: names.count))
        let rows = try queue.read { try Row.fetchAll($0, sql: sql, arguments: values) }
        return name == "confusion" ? rows.reduce(0) { $0 + ($1["n"] ?? 0) } : rows.count
      }
      let empty = try sum("")
      if name == "provenance" { #expect(empty == 2) }
      guard name == "confusion" else { continue }
      // The newest run has three images, the other one six.
      #expect(try empty == 3 && sum(String(clean.prefix(25))) == 6 && sum("50 % & more") == 6)
    }
    #expect(try elbow.run("export", clean, "--format", "datasette").status == 2)
  }

  /// Reads an archive by the description of its format alone, and holds each loss against the rows.
  private static let reader = """
    import array, ast, csv, math, sys, zipfile
    def read(archive, name):
        data = archive.read(name + ".npy")
        assert data[:8] == b"\\x93NUMPY\\x01\\x00" and (10 + data[8] + 256 * data[9]) % 64 == 0
        end = 10 + data[8] + 256 * data[9]
        header = ast.literal_eval(data[10:end].decode())
        kind, shape, data = header["descr"], header["shape"], data[end:]
        count = math.prod(shape)
        if kind[:2] == "<U":
            width = 4 * int(kind[2:])
            values = [data[i * width:(i + 1) * width].decode("utf-32-le").rstrip("\\0")
                      for i in range(count)]
        else:
            values = array.array({"<f4": "f", "<f8": "d", "<i8": "q"}[kind], data)
        assert len(values) == count
        return shape, list(values)
    with zipfile.ZipFile(sys.argv[1]) as archive:
        assert archive.testzip() is None
        arrays = {name[:-4]: read(archive, name[:-4]) for name in archive.namelist()}
    (images, draws, timesteps, classes), losses = arrays["losses"]
    index, levels = arrays["image_index"][1], arrays["timestep"][1]
    seen = 0
    for row in csv.DictReader(open(sys.argv[2])):
        place = index.index(int(row["image_index"]))
        place = place * draws + int(row["draw"])
        place = place * timesteps + levels.index(int(row["timestep"]))
        loss = losses[place * classes + int(row["class"])]
        assert abs(loss - float(row["loss"])) <= 1e-6 * abs(loss), (row, loss)
        seen += 1
    assert seen == sum(not math.isnan(x) for x in losses) > 0
    print(images, draws, timesteps, classes, seen == len(losses), arrays["run"],
        arrays["class_name"][1][9], len(arrays["label"][1]), len(arrays["predicted"][1]))
    """

  @Test(arguments: [("uniform:2", 2, "True"), ("halving:4x2,1x6", 6, "False")])
  func lossesAreArrays(strategy: String, timesteps: Int, isFull: String) throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let run = try elbow.run(
      [
        "run", "--images", "3", "--strategy", strategy, "--grid", "linear:0.2:2:6", "--draws", "2",
        "--model", "fashion-mnist-small", "--format", "json",
      ])
    let id = try #require(try run.object["id"] as? String, "\(run.errors)")
    for file in ["losses.npz", "losses.csv"] {
      let written = try elbow.run("export", id, "--table", "losses", "-o", file)
      #expect(written.status == 0, "\(written.errors)")
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", Self.reader, "losses.npz", "losses.csv"]
    process.currentDirectoryURL = URL(fileURLWithPath: elbow.folder)
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(text == "3 2 \(timesteps) 10 \(isFull) ((), ['\(id)']) Ankle boot 3 3\n")
    for wrong in [
      ["export", "-o", "x.npz"], ["export", id, "--table", "losses", "--format", "npz"],
      ["export", id, "--table", "losses", "--limit", "3", "-o", "x.npz"],
    ] {
      #expect(try elbow.run(wrong).status == 2)
    }
  }

  private func lines(_ text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  @Test func tablesAndTheirWarnings() throws {
    let (elbow, clean, attacked) = try Self.recorded()
    defer { elbow.remove() }
    func text(_ file: String) throws -> String {
      try String(contentsOfFile: elbow.folder + "/" + file, encoding: .utf8)
    }
    // Every column and run, as `runs` has them.
    let whole = try elbow.run("export")
    #expect(whole.output == (try elbow.run("runs", "--format", "csv")).output && whole.errors == "")
    let json = try elbow.run("export", "--where", "attack IS NULL", "--format", "json").objects
    #expect(json.map { $0["id"] as? String } == [clean])

    // A cut is said, with counts.
    let cut = try elbow.run("export", "--limit", "1", "-o", "r.jsonl")
    #expect(cut.errors == "elbow: 1 of 2 runs are written, --limit leaves 1 out\n")
    let written = lines(try text("r.jsonl"))
    #expect(cut.output == "" && written.count == 2)
    let some = try elbow.run("export", clean, "--table", "class_elbos", "--limit", "7")
    #expect(some.errors == "elbow: 7 of 60 rows are written, --limit leaves 53 out\n")
    #expect(lines(some.output).count == 9)

    // LaTeX is for reading, and names its runs.
    let latex = try elbow.run("export", clean, "-o", "r.tex")
    #expect(latex.status == 0, "\(latex.errors)")
    let rows = lines(try text("r.tex"))
    #expect(rows[0].hasPrefix("% Runs of ") && rows[0].hasSuffix("needs \\usepackage{booktabs}"))
    #expect(rows[1] == "\\begin{tabular}{llllllrrrr}" || rows[1].hasPrefix("\\begin{tabular}{l"))
    #expect(rows[5].hasPrefix("50 \\% \\& more & ") && rows[5].hasSuffix("\\\\ % run \(clean)"))
    #expect(rows[5].firstMatch(of: /\d+\.\d \(\d+\.\d--\d+\.\d\)/) != nil)
    let grouped = try elbow.run(
      "export", "--group-by", "classifier", "--over", "attack", "--format", "latex")
    #expect(grouped.output.contains("% run \(attacked) \(clean)\n"), "\(grouped.errors)")

    // Losses are the view's rows; a run without any is named.
    let losses = try elbow.run("export", clean, attacked, "--table", "losses", "-o", "l.tsv")
    #expect(losses.errors == "elbow: run \(attacked) recorded no losses\n")
    let view = try elbow.run("sql", "SELECT * FROM losses ORDER BY position", "--format", "tsv")
    #expect(try text("l.tsv") == view.output && lines(view.output).count == 242)
    let columns = try elbow.run(
      "export", attacked, "--table", "predictions", "--columns", "image_index,label", "--format",
      "markdown")
    #expect(columns.output.hasPrefix("| image_index | label |\n| ---: | ---: |\n| 0 | 9 |\n"))
    #expect(!FileManager.default.fileExists(atPath: elbow.folder + "/l.tsv.part"))
  }

  @Test func whatCannotBeExported() throws {
    let (elbow, clean, _) = try Self.recorded()
    defer { elbow.remove() }
    for (arguments, message) in [
      (["--table", "losses"], "say of which runs"), (["-o", "x.doc"], "no format 'doc'"),
      ([clean, "--table", "losses", "--sort", "loss"], "for --table runs"),
      ([clean, "--table", "losses", "--drop", "los"], "did you mean 'loss'?"),
      ([clean, "--table", "predictions", "--columns", "labl"], "did you mean 'label'?"),
      (["-o", "r.html", "--columns", "id"], "columns of its own"),
      (["--columns", "acuracy"], "did you mean 'accuracy'?"),
    ] {
      let result = try elbow.run(["export"] + arguments)
      #expect(result.status == 2 && result.errors.contains(message), "\(result.errors)")
    }
    let folder = try elbow.run("export", "-o", "nowhere/x.csv")
    #expect(folder.status == 1 && folder.errors.contains("check its folder"))
    // What goes wrong leaves the old file.
    try "old".write(toFile: elbow.folder + "/x.csv", atomically: true, encoding: .utf8)
    _ = try elbow.run("export", clean, "--table", "losses", "--columns", "x", "-o", "x.csv")
    #expect(try String(contentsOfFile: elbow.folder + "/x.csv", encoding: .utf8) == "old")
  }

  @Test func theReportStandsAlone() throws {
    let (elbow, clean, attacked) = try Self.recorded()
    defer { elbow.remove() }
    let result = try elbow.run("export", "-o", "r.html")
    #expect(result.status == 0 && result.errors == "", "\(result.errors)")
    let html = try String(contentsOfFile: elbow.folder + "/r.html", encoding: .utf8)
    for part in [
      clean, attacked, "50 % &amp; more", "Accuracy against ε", "Provenance", "Confusion",
    ] {
      #expect(html.contains(part), "\(part)")
    }
    #expect(!html.contains("<script") && !html.contains("src=") && !html.contains("<link"))
  }
}
