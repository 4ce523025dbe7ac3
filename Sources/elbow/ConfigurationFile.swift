import ArgumentParser
import Foundation
import Records
import Yams

/// `-c FILE.yaml`: a mapping from flags, without their dashes, to values. It stands for these flags
/// right after `run`, so that every flag given overrides it.
enum ConfigurationFile {
  /// `arguments` with every configuration file in its place.
  ///
  /// - Throws: `ConfigurationError` for a file that cannot be read or is no such mapping.
  static func expand(_ arguments: [String]) throws -> [String] {
    if arguments.first == "sweep" { return try overriding(arguments) }
    guard let command = arguments.first, command == "run" else { return arguments }
    var flags: [String] = []
    var fromFiles: [String] = []
    var rest = arguments.dropFirst()
    while let argument = rest.popFirst() {
      if argument == "-c" || argument == "--config" {
        guard let file = rest.popFirst() else {
          throw ConfigurationError("\(argument) needs a file")
        }
        fromFiles += try read(file)
      } else if argument.hasPrefix("--config=") {
        fromFiles += try read(String(argument.dropFirst("--config=".count)))
      } else {
        flags.append(argument)
      }
    }
    return [command] + fromFiles + flags
  }

  /// `sweep`'s arguments with `--set FLAG=VALUE` for every flag of `run` that is none of its own.
  private static func overriding(_ arguments: [String]) throws -> [String] {
    var result: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = parts[0].hasPrefix("--") ? String(parts[0].dropFirst(2)) : ""
      let isOff = name.hasPrefix("no-") && RunOptions.switches.contains(String(name.dropFirst(3)))
      if isOff || RunOptions.switches.contains(name), parts.count == 1 {
        result.append("--set=\(isOff ? String(name.dropFirst(3)) : name)=\(!isOff)")
      } else if RunOptions.names.contains(name), !SweepFile.ownFlags.contains(name) {
        guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
          throw ConfigurationError("--\(name) needs a value")
        }
        result.append("--set=\(name)=\(value)")
      } else {
        result.append(argument)
      }
    }
    return result
  }

  private static func read(_ file: String) throws -> [String] {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
      throw ConfigurationError("\(file): cannot be read; -c takes a YAML file of run's flags")
    }
    let node: Node?
    do { node = try Yams.compose(yaml: text) } catch {
      throw ConfigurationError("\(file): is not YAML: \(error)")
    }
    guard let mapping = node?.mapping else {
      throw ConfigurationError("\(file): needs lines of 'flag: value', as 'strategy: uniform:10'")
    }
    var arguments: [String] = []
    for (key, value) in mapping {
      guard let name = key.string, RunOptions.names.contains(name) else {
        let name = key.string ?? "?"
        throw ConfigurationError(
          "\(file): 'run' has no flag '\(name)'" + didYouMean(name, among: RunOptions.names))
      }
      func text(_ node: Node) throws -> String {
        guard let scalar = node.scalar else {
          throw ConfigurationError("\(file): '\(name)' needs a plain value or a list of them")
        }
        return scalar.string
      }
      if RunOptions.switches.contains(name) {
        guard let isOn = value.bool else {
          throw ConfigurationError("\(file): '\(name)' must be true or false")
        }
        arguments.append(isOn ? "--\(name)" : "--no-\(name)")
      } else if let list = value.sequence {
        // Lists of images and priors are written with commas, tags one by one.
        let items = try list.map(text)
        arguments +=
          name == "tag"
          ? items.flatMap { ["--tag", $0] } : ["--\(name)=\(items.joined(separator: ","))"]
      } else {
        arguments.append("--\(name)=\(try text(value))")
      }
    }
    return arguments
  }
}
