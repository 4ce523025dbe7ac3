import Foundation
import GRDB

/// A database that cannot be opened, read or written, or a request that it cannot answer.
public struct RunStoreError: Error, CustomStringConvertible, Equatable {
  /// What is wrong, where, and what to do.
  public let description: String

  /// Whether the request itself was wrong: an unknown name, a malformed condition.
  public let isUsage: Bool

  /// The error with its message.
  public init(_ description: String, isUsage: Bool = false) {
    self.description = description
    self.isUsage = isUsage
  }

  /// A database error with the file and a remedy where one is known.
  init(_ error: any Error, file: String) {
    if let known = error as? RunStoreError {
      self = known
      return
    }
    guard let error = error as? DatabaseError else {
      self.init("\(file): \(error)")
      return
    }
    let message = error.message ?? "no message"
    switch error.resultCode {
    case .SQLITE_CANTOPEN:
      self.init(
        "\(file): cannot be opened (\(message)); check that its folder exists and is writable, or "
          + "name another file with --db")
    case .SQLITE_READONLY:
      self.init(
        "\(file): cannot be written (\(message)); check the permissions of the file and its folder, "
          + "or name another file with --db")
    case .SQLITE_NOTADB:
      self.init("\(file): is not an SQLite database; name another file with --db")
    case .SQLITE_CORRUPT:
      self.init(
        "\(file): is damaged (\(message)); restore a backup, or save what can be read with "
          + "'sqlite3 FILE .recover'")
    case .SQLITE_FULL:
      self.init("\(file): the disk is full; free space, then go on with 'elbow run --resume'")
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      self.init("\(file): is held by another process for too long; try again")
    default:
      self.init("\(file): \(message) (SQLite code \(error.extendedResultCode.rawValue))")
    }
  }
}
