import Experiments
import Foundation
import Pages
import RunStore
import Testing

/// Runs that another program has recorded have pages like any other.
@Suite struct IngestedRunTests {
  private func ingest(_ lines: [String], _ sites: Sites) throws {
    let path = try sites.folder.write(UUID().uuidString, lines.joined(separator: "\n") + "\n")
    let file = open(path, O_RDONLY)
    defer { close(file) }
    let store = try RunStore(sites.folder.file("runs.db"), for: .write)
    defer { store.close() }
    let ingest = Ingest(into: store) { _ in }
    try ingest.read(file)
    #expect(ingest.totals.badLines == 0)
  }

  private func run(_ key: String, classes: Int, _ configuration: String) -> String {
    let names = (0..<classes).map { "\"c\($0)\"" }.joined(separator: ",")
    return """
      {"type":"run","run":"\(key)","name":"\(key)","classes":[\(names)],"shape":[1,1,2],\
      "model":"theirs","configuration":{\(configuration)}}
      """
  }

  /// A replay is of all images that there are when it is asked for.
  @Test func replaysFollowTheirRun() throws {
    let sites = try Sites(runs: 0)
    func image(_ index: Int) -> String {
      """
      {"type":"image","run":"theirs","index":\(index),"label":\(index < 2 ? 0 : 1),\
      "losses":[[[1,2],[1,2]]]}
      """
    }
    let run = run("theirs", classes: 2, "\"grid\":[0.5,1]")
    func replayed() throws -> String {
      try sites.get("/api/v1/replay?run=theirs&strategy=full").text
    }
    try ingest([run] + (0..<2).map(image), sites)
    #expect(try replayed().contains("\"n_done\": 2, \"n_correct\": 2"))
    try ingest([run] + (2..<8).map(image), sites)
    #expect(try replayed().contains("\"n_done\": 8, \"n_correct\": 2"))
  }

  @Test func smoothedRunsWithoutVotesHavePages() throws {
    let sites = try Sites(runs: 0)
    let run = run(
      "smooth", classes: 2, "\"classifier\":\"cnn\",\"randomized_smoothing\":\"0.25:10:20\"")
    let image = #"{"type":"image","run":"smooth","index":0,"label":0,"predicted":0}"#
    try ingest([run, image], sites)
    let page = try sites.get("/runs/smooth")
    #expect(page.status == 200 && !page.text.contains("Certified accuracy"), "\(page.text)")
  }

  /// A confusion has a cell for every two classes.
  @Test func manyClassesAreNotDrawn() throws {
    let sites = try Sites(runs: 0)
    let image = #"{"type":"image","run":"many","index":0,"label":0,"predicted":7}"#
    try ingest([run("many", classes: 101, "\"classifier\":\"cnn\""), image], sites)
    let page = try sites.get("/runs/many")
    #expect(page.status == 200 && page.text.contains("101 classes are too many to draw"))
  }

  /// Their datasets are not here, so that there are no pictures to ask for.
  @Test func picturesThatCannotBeHadAreNotAskedFor() throws {
    let sites = try Sites(runs: 1)
    let image = #"{"type":"image","run":"theirs","index":0,"label":0,"predicted":0}"#
    try ingest([run("theirs", classes: 2, "\"classifier\":\"cnn\""), image], sites)
    for path in ["/runs/theirs/images", "/runs/theirs/images/0"] {
      let page = try sites.get(path)
      #expect(page.status == 200 && !page.text.contains("class=\"pixels\""), "\(page.text)")
    }
  }

  /// Their neighbours are those that there are, and no network makes error maps.
  @Test func imagesLeadToTheirNeighbours() throws {
    let sites = try Sites(runs: 0)
    let images = [3, 13, 5].map {
      #"{"type":"image","run":"theirs","index":\#($0),"label":0,"losses":[[[1,2],[1,2]]]}"#
    }
    try ingest([run("theirs", classes: 2, "\"grid\":[0.5,1]")] + images, sites)
    let page = try sites.get("/runs/theirs/images/13").text
    #expect(page.contains("← image 3<") && page.contains("image 5 →"), "\(page)")
    #expect(!page.contains("/errors"))
    let first = try sites.get("/runs/theirs/images/3").text
    #expect(!first.contains("←") && first.contains("image 13 →"))
  }

  /// SQLite's texts end at a zero byte, names of runs do not.
  @Test func zeroBytesEndNoName() throws {
    let sites = try Sites(runs: 1)
    #expect(try sites.get("/runs/first").status == 200)
    #expect(try sites.get("/runs/first%00x").status == 404)
    let found = try sites.get("/api/v1/runs?where=name+%3D+'first%00x'")
    #expect(found.status == 200 && !found.text.contains("first"), "\(found.text)")
  }
}
