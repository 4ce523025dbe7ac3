import Foundation

extension URL {
  /// Its path without a slash at the end, which Foundation gives a folder that is there, so that what
  /// is put behind it stands behind one slash.
  package var plainPath: String {
    let path = path(percentEncoded: false)
    return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }
}
