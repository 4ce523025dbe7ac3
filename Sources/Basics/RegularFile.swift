import Foundation

/// A file that can be read by place and size: no folder, pipe or device, which might never end.
package struct RegularFile: Sendable {
  /// Path as given.
  package let path: String
  /// In bytes, when it was opened.
  package let size: Int
  /// At its start.
  package let handle: FileHandle

  /// Opens a file for reading.
  ///
  /// - Throws: `ElbowError` for one that is not there, cannot be read, or is another kind of file.
  package init(_ path: String) throws {
    self.path = path
    // Without O_NONBLOCK a pipe that nobody writes to would be waited for.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
      let isMissing = errno == ENOENT
      throw ElbowError(
        isMissing ? .missing : .inaccessible,
        "\(path): \(isMissing ? "no such file" : "cannot be read (\(String(cString: strerror(errno))))")"
      )
    }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw ElbowError(
        .inaccessible, "\(path): is a folder, a pipe or a device; name a file that holds the bytes")
    }
    size = Int(status.st_size)
  }

  /// The next bytes, fewer at the end.
  ///
  /// - Throws: `ElbowError` where they cannot be read.
  package func read(upTo count: Int) throws -> [UInt8] {
    do { return [UInt8](try handle.read(upToCount: count) ?? Data()) } catch {
      throw ElbowError(.inaccessible, "\(path): cannot be read: \(error.localizedDescription)")
    }
  }
}
