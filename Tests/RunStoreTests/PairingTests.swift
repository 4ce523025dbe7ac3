import Basics
import Foundation
import Records
import RunStore
import TestSupport
import Testing

/// Images are the same where the pixels that they were made from are.
@Suite struct PairingTests {
  private func run(
    in store: RunStore, _ right: [Bool], inputsRun: String? = nil,
    attack: AttackConfiguration? = nil, change: (inout [InputRecord]) -> Void = { _ in }
  ) throws -> String {
    var header = header(right.count, attack: attack)
    change(&header.inputs)
    header.inputsRun = inputsRun
    return try record(
      header, right.indices.map { prediction($0, correct: right[$0]) }, in: store
    ).id
  }

  /// Number of pairs that every query finds.
  private func pairs(_ a: String, _ b: String, _ store: RunStore) throws -> Set<Cell> {
    let list = JSONValue.array([.string(a), .string(b)]).canonical
    return try Set([
      store.query("paired", ["a": a, "b": b]).rows[0][0],
      store.query("paired", ["a": b, "b": a]).rows[0][0],
      store.query("comparison", ["runs": list], columns: ["n"]).rows[1][0],
    ])
  }

  /// Another set of images under the same name and at the same places.
  @Test func otherPixelsAreOtherImages() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let first = try run(in: store, [true, true, false])
    let other = try run(in: store, [true, false, false]) { inputs in
      for i in 1..<3 { inputs[i].sha256 = SHA256.hexDigest(of: "other \(i)") }
    }
    #expect(try pairs(first, other, store) == [.integer(1)])
    #expect(try store.query("flips", ["a": first, "b": other]).rows.isEmpty)
  }

  /// The same set under another name.
  @Test func samePixelsAreTheSameImage() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let first = try run(in: store, [true, true, false])
    let renamed = try run(in: store, [true, false, false]) { inputs in
      for i in inputs.indices { inputs[i].dataset = "animals" }
    }
    #expect(try pairs(first, renamed, store) == [.integer(3)])
    #expect(try store.query("flips", ["a": first, "b": renamed]).rows.count == 1)
    // At other places of that set: paired wherever they stand.
    let moved = try run(in: store, [true, true, true]) { inputs in
      for i in inputs.indices { (inputs[i].dataset, inputs[i].index) = ("zoo", 90 - i) }
      inputs.reverse()
    }
    #expect(try store.query("paired", ["a": first, "b": moved]).rows[0][0] == .integer(3))
  }

  /// What an attack made of an image, and what another one made of that, is still that image.
  @Test func attackedImagesAreTheirSources() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let clean = try run(in: store, [true, true, false])
    let attack = AttackConfiguration(name: "fgsm", norm: .linf, epsilon: 0.1)
    let made = try run(in: store, [false, true, false], attack: attack)
    let on = try run(in: store, [false, true, true], inputsRun: made) { inputs in
      for i in 0..<2 { inputs[i].sha256 = SHA256.hexDigest(of: "attacked \(i)") }
    }
    let again = try run(in: store, [true, true, true], inputsRun: on, attack: attack) { inputs in
      for i in 0..<3 { inputs[i].sha256 = SHA256.hexDigest(of: "attacked \(i)") }
    }
    let onAgain = try run(in: store, [true, true, true], inputsRun: again) { inputs in
      for i in 0..<3 { inputs[i].sha256 = SHA256.hexDigest(of: "attacked twice \(i)") }
    }
    for run in [made, on, again, onAgain] {
      #expect(try pairs(clean, run, store) == [.integer(3)])
    }
    #expect(try pairs(on, onAgain, store) == [.integer(3)])
    let inputs = try store.query("runs", columns: ["inputs"], order: ["id"]).rows.map { $0[0] }
    #expect(
      inputs == ["clean", "clean", "attacked", "attacked", "attacked"].map { .text($0) })
    let robust = try store.query("robustness", columns: ["n"])
    #expect(robust.rows == [[.integer(3)]])
  }

  /// A split that has the same pixels twice has two images: each is paired once.
  @Test func twinsArePairedOnce() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    func twins(_ inputs: inout [InputRecord]) { inputs[2].sha256 = inputs[0].sha256 }
    let first = try run(in: store, [true, true, false], change: twins)
    let second = try run(in: store, [true, true, true], change: twins)
    let renamed = try run(in: store, [true, true, true]) { inputs in
      twins(&inputs)
      for i in inputs.indices { inputs[i].dataset = "animals" }
    }
    #expect(try pairs(first, second, store) == [.integer(3)])
    #expect(try pairs(first, renamed, store) == [.integer(3)])
  }

  /// What stands for an image stays while another run has that image.
  @Test func imagesOutliveTheirFirstRun() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let first = try run(in: store, [true])
    _ = try run(in: store, [true]) { $0[0].dataset = "animals" }
    _ = try store.trash([first])
    _ = try store.collect(dryRun: false)
    let third = try run(in: store, [true])
    let ids = try store.query("runs", columns: ["id"]).rows.compactMap { $0[0] }
    #expect(ids.count == 2)
    guard case .text(let second) = ids[1] else { return }
    #expect(try pairs(second, third, store) == [.integer(1)])
    #expect(try store.query("health").rows[0].suffix(3) == [.integer(0), .integer(0), .text("ok")])
  }
}
