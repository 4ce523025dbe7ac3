import Basics
import Foundation
import Pages
import Testing

@Suite struct InterfaceTests {
  private func json(_ response: Response) throws -> JSONValue {
    try JSONDecoder().decode(JSONValue.self, from: Data(response.body))
  }

  private func paths(_ sites: Sites) throws -> [String: JSONValue] {
    guard case .object(let document) = try json(sites.get("/api/v1/openapi.json")),
      case .object(let paths) = document["paths"]
    else { return [:] }
    return paths
  }

  /// Everything that the description names answers as it says, with everything that it may take.
  @Test func theDescriptionHolds() throws {
    let sites = try Sites()
    let paths = try paths(sites)
    #expect(paths.count > 30)
    for (path, item) in paths {
      guard case .object(let methods) = item, case .object(let get) = methods["get"],
        case .array(let parameters) = get["parameters"]
      else {
        Issue.record("\(path) has no get")
        continue
      }
      var query: [String] = []
      for case .object(let parameter) in parameters where parameter["in"] == "query" {
        switch parameter["name"] {
        case "run": query += path.contains("replay") ? [] : sites.runs.map { "run=\($0)" }
        case "limit": query.append("limit=1")
        case "offset": query.append("offset=0")
        case "common": query.append("common=true")
        default: break
        }
      }
      // Losses of these runs are not of every class, there is no training, and no network.
      let absent = ["replay", "{training}", "{image}/errors", "certified"]
      guard !absent.contains(where: path.contains) else { continue }
      let address = path.replacing("{run}", with: sites.runs[0]).replacing("{image}", with: "10")
      let answer = try sites.get(
        address + (query.isEmpty ? "" : "?" + query.joined(separator: "&")))
      #expect(answer.status == 200, "\(address): \(answer.text)")
      guard case .object(let answers) = get["responses"], case .object(let good) = answers["200"],
        case .object(let content) = good["content"], let type = content.keys.first
      else {
        Issue.record("\(path) does not say what it answers")
        continue
      }
      #expect(answer["Content-Type"]?.hasPrefix(type) == true, "\(path)")
      if type == "application/json" { _ = try json(answer) }
    }
  }

  /// What a page of the reader's names is described, and nothing else is answered.
  @Test func nothingElseIsAnswered() throws {
    let sites = try Sites()
    for address in [
      "/api/v1", "/api/v1/sql", "/api/v2/runs", "/api/v1/runs.tsv", "/api/v1/pareto.json",
    ] {
      let answer = try sites.get(address)
      #expect(answer.status == 404, "\(address)")
      guard case .object(let error) = try json(answer) else { throw ElbowError(.damaged, "") }
      #expect(error["error"] == "missing")
    }
    #expect(try sites.get("/api/v1/runs?colums=id").status == 400)
    for address in [
      "/api/v1/runs?limit=0", "/api/v1/runs?limit=100001", "/api/v1/runs?offset=-1",
      "/api/v1/runs?offset=x", "/api/v1/pareto?limit=1", "/api/v1/pareto?all=1",
      "/api/v1/pareto?norm=l7", "/api/v1/pareto?within=-1", "/api/v1/replay",
      "/api/v1/replay?run=@last&weights=none", "/api/v1/flips",
      "/api/v1/flips?run=a&run=b&run=c",
    ] {
      #expect(try sites.get(address).status == 400, "\(address)")
    }
    #expect(try sites.get("/api/v1/pareto?all=false").status == 200)
    #expect(
      try sites.get("/api/v1/pareto?all=false").body == sites.get("/api/v1/pareto").body)
    // Ids of one moment begin alike.
    #expect(try sites.get("/api/v1/runs/0").status == 409)
    #expect(try sites.get("/api/v1/runs?limit=1&limit=2").status == 400)
    #expect(try sites.get("/api/v1/runs/nowhere").status == 404)
    #expect(try sites.get("/api/v1/comparison?run=@last").status == 400)
  }

  /// Tables of a run, and of a comparison, as they are asked for.
  @Test func tablesOfRunsTakeConditions() throws {
    let sites = try Sites()
    let wrong = try sites.get("/api/v1/runs/\(sites.runs[1])/predictions.csv?where=correct+%3D+0")
    let all = try sites.get("/api/v1/runs/\(sites.runs[1])/predictions.csv")
    #expect((2..<4).contains(wrong.text.split(separator: "\n").count))
    #expect(all.text.split(separator: "\n").count == 4)
    #expect(try sites.get("/api/v1/runs/@last/predictions?where=corect+%3D+0").status == 400)
    let pairs = try sites.get("/api/v1/pairs.csv?run=\(sites.runs[0])&run=\(sites.runs[1])").text
    let head = try #require(pairs.split(separator: "\n").first)
    #expect(head.contains("bootstrap_low,bootstrap_high,bootstrap_method"))
    // Nothing is certified of these runs, and a run without votes has no curve.
    #expect(try sites.get("/api/v1/runs/@last/certificates").text == "[]\n")
    #expect(try sites.get("/api/v1/runs/@last/certified").status == 404)
    #expect(try sites.get("/api/v1/runs/@last/certified?radii=a").status == 400)
  }

  @Test func longTablesComeInParts() throws {
    let sites = try Sites(runs: 5)
    var (address, ids): (String?, [String]) = ("/api/v1/runs.csv?columns=id&limit=2", [])
    var parts = 0
    while let next = address {
      let answer = try sites.get(next)
      ids += answer.text.split(separator: "\n").dropFirst().map(String.init)
      parts += 1
      address = answer["Link"].flatMap { $0.firstMatch(of: /<([^>]*)>; rel="next"/) }.map {
        String($0.1)
      }
    }
    #expect(ids == sites.runs.reversed())
    #expect(parts == 3)
  }

  /// What is still the same is not sent again.
  @Test func answersAreTagged() throws {
    let sites = try Sites()
    let first = try sites.get("/api/v1/runs")
    let tag = try #require(first["ETag"])
    let second = try sites.get("/api/v1/runs", ["If-None-Match": "\"other\", W/\(tag)"])
    #expect(second.status == 304 && second.body.isEmpty)
    #expect(try sites.get("/api/v1/runs", ["If-None-Match": "\"other\""]).body == first.body)
  }
}
