import Foundation

/// A file that is written whole or not at all: what goes wrong half-way leaves the old one.
///
/// Until it is finished it has no name where the file system knows such files, so that not even a kill
/// leaves a part of it; elsewhere a part, `FILE.part`, is left by a kill alone.
package struct WholeFile: ~Copyable {
  private let path: String
  private let part: String
  private let descriptor: Int32
  private let isNamed: Bool

  /// Begins a file.
  ///
  /// - Parameter path: where it will be; what a link leads to.
  /// - Throws: `ElbowError` where it cannot be made.
  package init(_ path: String) throws {
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    self.path = target.path(percentEncoded: false)
    part = self.path + ".part"
    #if os(Linux)
      let folder = target.deletingLastPathComponent().path(percentEncoded: false)
      // O_TMPFILE, which the C library's module leaves out.
      let nameless = open(folder, 0o20_000_000 | O_DIRECTORY | O_WRONLY | O_CLOEXEC, 0o666)
    #else
      let nameless: Int32 = -1
    #endif
    isNamed = nameless < 0
    descriptor = isNamed ? open(part, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0o666) : nameless
    guard descriptor >= 0 else { throw Self.failure(path) }
  }

  deinit {
    close(descriptor)
    if isNamed { unlink(part) }
  }

  /// Adds bytes.
  ///
  /// - Throws: `ElbowError` where they cannot be written.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = UnsafeRawBufferPointer(rebasing: rest)
        .withMemoryRebound(to: UInt8.self) {
          Foundation.write(descriptor, $0.baseAddress, $0.count)
        }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        throw Self.failure(path)
      }
    }
  }

  /// Gives the file its name; what had it before is gone.
  ///
  /// - Throws: `ElbowError` where that cannot be done, the old file being left.
  package func finish() throws {
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw Self.failure(path) }
    if !isNamed {
      unlink(part)
      guard
        linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, part, AT_SYMLINK_FOLLOW) == 0
      else { throw Self.failure(path) }
    }
    guard rename(part, path) == 0 else {
      let error = Self.failure(path)
      unlink(part)
      throw error
    }
  }

  /// Writes bytes to a path, all of them or none.
  ///
  /// - Throws: `ElbowError`.
  package static func write(_ data: Data, to path: String) throws {
    let file = try WholeFile(path)
    try data.withUnsafeBytes { try file.write($0) }
    try file.finish()
  }

  /// What the last call's error number says.
  package static func failure(_ path: String) -> ElbowError {
    let code = errno
    return code == ENOSPC || code == EDQUOT
      ? ElbowError(.full, "\(path): the disk is full; free space, then try again")
      : ElbowError(
        .inaccessible,
        "\(path): cannot be written (\(String(cString: strerror(code)))); check its folder")
  }
}
