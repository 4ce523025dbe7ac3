import Basics
import Evaluation
import Foundation
import Yams

/// A YAML file of one run: a mapping from the keys of a request, and from what else a run is given,
/// to values.
package struct RequestFile {
  /// Keys with their values, in the file's order; tags one by one.
  package private(set) var values: [(key: String, value: String)] = []

  /// What a run is given besides its request.
  package static let settings = [
    "name", "group", "tag", "note", "db", "threads", "batch", "budget", "shard",
  ]

  /// Every key that may stand in a file.
  package static var keys: [String] { RequestKeys.all.map(\.name) + settings }

  /// Reads a file.
  ///
  /// - Throws: `ElbowError` for a file that cannot be read or is no such mapping.
  package init(_ file: String) throws {
    for (key, value) in try Self.mapping(file, "a run is a YAML file of") {
      guard let name = key.string, Self.keys.contains(name) else {
        let name = key.string ?? "?"
        let advice =
          SweepFile.lists.contains(name)
          ? "; it is one of a sweep's: 'elbow sweep \(file)'" : didYouMean(name, among: Self.keys)
        throw ElbowError(.unknownName, "\(file): a run has no field '\(name)'" + advice)
      }
      if let list = value.sequence, list.count > 1, RequestKeys.named(name)?.form != .list,
        name != "tag"
      {
        throw ElbowError(
          .malformed,
          "\(file): '\(name)' has several values, which make a sweep: 'elbow sweep \(file)'")
      }
      do { try take(name, value) } catch let error as ElbowError { throw error.prefixed(file) }
    }
  }

  private mutating func take(_ name: String, _ value: Node) throws {
    func text(_ node: Node) throws -> String {
      guard let scalar = node.scalar else {
        throw ElbowError(.malformed, "'\(name)' needs a plain value or a list of them")
      }
      return scalar.string
    }
    if case .toggle? = RequestKeys.named(name)?.form {
      guard let isOn = value.bool else {
        throw ElbowError(.malformed, "'\(name)' must be true or false")
      }
      values.append((name, "\(isOn)"))
    } else if let list = value.sequence {
      // Lists of images and priors are one value with commas, tags stand one by one.
      let items = try list.map(text)
      values += (name == "tag" ? items : [items.joined(separator: ",")]).map { (name, $0) }
    } else {
      values.append((name, try text(value)))
    }
  }

  /// The mapping that a YAML file is.
  ///
  /// - Parameter what: what such a file is, for messages.
  /// - Throws: `ElbowError`.
  static func mapping(_ file: String, _ what: String) throws -> Node.Mapping {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
      throw ElbowError(
        .unknownName, "\(file): cannot be read; \(what) keys and values, as 'seed: 0'")
    }
    let node: Node?
    do { node = try Yams.compose(yaml: text) } catch {
      throw ElbowError(.malformed, "\(file): is not YAML: \(error)")
    }
    guard let mapping = node?.mapping else {
      throw ElbowError(.malformed, "\(file): needs lines of 'key: value', as 'seed: 0'")
    }
    return mapping
  }
}
