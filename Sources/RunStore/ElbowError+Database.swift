import Basics
import Foundation
import GRDB

extension ElbowError {
  /// A database error with the file and a remedy where one is known.
  init(_ error: any Error, file: String) {
    if let known = error as? ElbowError {
      self = known
      return
    }
    guard let error = error as? DatabaseError else {
      self.init(.inaccessible, "\(file): \(error)")
      return
    }
    let message = error.message ?? "no message"
    let depths = ["parser stack overflow", "too large", "too many", "too big"]
    if [.SQLITE_ERROR, .SQLITE_TOOBIG].contains(error.resultCode),
      depths.contains(where: message.contains)
    {
      self.init(
        .malformed,
        "what is asked is longer or deeper than can be answered (\(message)); ask for less")
      return
    }
    switch error.resultCode {
    case .SQLITE_CANTOPEN:
      self.init(
        .inaccessible,
        "\(file): cannot be opened (\(message)); check that its folder exists and is writable, or "
          + "name another file with `db`")
    case .SQLITE_READONLY:
      self.init(
        .inaccessible,
        "\(file): cannot be written (\(message)); check the permissions of the file and its folder, "
          + "or name another file with `db`")
    case .SQLITE_NOTADB:
      self.init(
        .damaged, "\(file): is not an SQLite database; name another file with `db`")
    case .SQLITE_CORRUPT:
      self.init(
        .damaged,
        "\(file): is damaged (\(message)); restore a backup, or save what can be read with "
          + "'sqlite3 FILE .recover'")
    case .SQLITE_FULL:
      self.init(
        .full, "\(file): the disk is full; free space, then take up what was begun")
    case .SQLITE_INTERRUPT: self.init(.late, "\(file): what was asked of it was stopped")
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      self.init(.busy, "\(file): is held by another process for too long; try again")
    default:
      self.init(
        .inaccessible,
        "\(file): \(message) (SQLite code \(error.extendedResultCode.rawValue))")
    }
  }
}
