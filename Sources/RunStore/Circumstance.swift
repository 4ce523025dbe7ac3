import Basics
import GRDB
import Records

/// Something that decides the bits of a run's numbers, or how fast they come, and is otherwise now.
public struct Circumstance: Hashable, Sendable {
  /// What it is, as `instruction set`.
  public let name: String
  /// As recorded, of every process that worked on the run.
  public let recorded: [String]
  /// As it is now.
  public let now: String
}

extension RunStore {
  /// What is otherwise now than for some process that worked on a run or training: code, libraries,
  /// instruction set, BLAS, processor, threads.
  ///
  /// - Parameters:
  ///   - id: full id of the run or training.
  ///   - environment: of this process.
  /// - Throws: `ElbowError`.
  package func circumstances(
    of id: String, now environment: RunEnvironment
  ) throws -> [Circumstance] {
    let code = CodeState.current
    let now: [(name: String, column: String, value: String?)] = [
      ("elbow", "elbow_version", elbowVersion), ("commit", "git_commit", code?.commit),
      ("uncommitted changes", "git_dirty", code.map { $0.isDirty ? "1" : "0" }),
      ("changes", "diff_sha256", code?.diffSHA256), ("libraries", "libraries", libraryVersionsJSON),
      ("instruction set", "instruction_set", environment.instructionSet),
      ("BLAS", "blas", environment.blas), ("processor", "cpu", Machine.cpu),
      ("threads", "threads", "\(environment.threads)"),
    ]
    let columns = now.map { "CAST(\($0.column) AS TEXT)" }.joined(separator: ", ")
    let rows = try reading { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT \(columns) FROM session WHERE run_id = :id
          UNION ALL SELECT \(columns) FROM training_session WHERE training_id = :id
          """, arguments: ["id": id])
    }
    return now.enumerated().compactMap { index, field in
      let recorded = Set(rows.map { ($0[index] as String?) ?? "none" }).sorted()
      let value = field.value ?? "none"
      return recorded == [value]
        ? nil : Circumstance(name: field.name, recorded: recorded, now: value)
    }
  }
}
