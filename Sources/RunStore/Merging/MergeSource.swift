import Basics
import Foundation

/// A file that is merged into another: read, never written, and nothing is made beside it.
///
/// It is read where it lies; a private copy is read in its place where rows stand in a log that
/// nobody shares, or where its tables are older and have to be brought up to date.
struct MergeSource {
  /// The file.
  let file: DatabaseFile
  /// Name under which it is attached.
  let name: String
  private let copy: DatabaseFile?
  private let state: [String]

  /// Finds out how a file can be read.
  ///
  /// - Throws: `ElbowError` where there is none, it is another program's, or a newer Elbow's.
  init(_ path: String, _ schema: Schema, _ watch: WorkWatch) throws {
    file = DatabaseFile(path)
    guard file.exists else { throw ElbowError(.missing, "\(path): there is no such file") }
    state = file.state
    var name = file.isWhole ? file.immutable : file.readonly
    var copy: DatabaseFile?
    do {
      if !file.isWhole, !file.hasLog {
        let copied = try file.copied()
        (copy, name) = (copied, copied.path)
      }
      let found = try file.probe(schema, as: name)
      switch found.age {
      case .newer:
        throw ElbowError(
          .newer, "\(path): was written by a newer Elbow; update Elbow to merge it")
      case .olderTables:
        if let stranger = found.stranger {
          throw ElbowError(.damaged, "\(path): \(stranger); it is not merged")
        }
        let older = try copy ?? file.copied()
        (copy, name) = (older, older.path)
        watch.note("\(path): is of an older Elbow; a private copy is brought up to date and read")
        try schema.bringUpToDate(older.path, isCopy: true)
      case .current, .olderViews: break
      }
    } catch {
      copy?.removeFolder()
      throw ElbowError(error, file: path)
    }
    (self.name, self.copy) = (name, copy)
  }

  /// Makes sure that nobody has written where the file was read as if nobody could.
  ///
  /// - Throws: `ElbowError` where somebody has.
  func checkUnchanged() throws {
    if copy != nil || name == file.readonly || file.state == state { return }
    throw ElbowError(.busy, "\(file.path): is being written; merge it again when that has ended")
  }

  /// Removes the copy.
  func close() { copy?.removeFolder() }
}
