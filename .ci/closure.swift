// Reads 'swift package dump-package' and fails where a target that a library product needs has unsafe
// flags: SwiftPM refuses those in packages that are taken by version.
import Foundation

struct Package: Decodable {
  struct Setting: Decodable { let kind: [String: Flags] }
  struct Flags: Decodable {}
  struct Target: Decodable {
    let name: String
    let dependencies: [[String: [Name?]]]
    let settings: [Setting]
  }
  /// The first element of a dependency is its name, what follows are conditions.
  struct Name: Decodable {
    let text: String?
    init(from decoder: any Decoder) {
      text = try? decoder.singleValueContainer().decode(String.self)
    }
  }
  let targets: [Target]
}

let input = FileHandle.standardInput.readDataToEndOfFile()
let targets = try JSONDecoder().decode(Package.self, from: input).targets
let unsafe = Set(
  targets.filter { $0.settings.contains { $0.kind["unsafeFlags"] != nil } }.map(\.name))
precondition(unsafe == ["ElbowCommand"], "only the program's linking has unsafe flags")
var waiting = ["ElbowStore", "ElbowAnalysis", "Elbow"]
var seen = Set<String>()
while let name = waiting.popLast() {
  guard seen.insert(name).inserted, let target = targets.first(where: { $0.name == name }) else {
    continue
  }
  waiting += target.dependencies.flatMap(\.values).compactMap { $0.first??.text }
}
guard seen.isDisjoint(with: unsafe) else {
  print(
    "unsafe flags in the closure of the libraries:",
    seen.intersection(unsafe).sorted())
  exit(1)
}
