import GRDB

extension DatabaseQueue {
  /// Opens a file as another program would, one that waits for its turn: by itself a connection takes a
  /// file in which somebody writes for an error.
  package convenience init(patient path: String) throws {
    var settings = Configuration()
    settings.busyMode = .timeout(30)
    try self.init(path: path, configuration: settings)
  }
}
