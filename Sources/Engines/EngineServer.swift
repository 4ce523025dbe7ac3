/// The server that Elbow brings, for modules of PyTorch.
public enum EngineServer {
  /// A program for Python.
  public static var python: String { String(decoding: PackageResources.serve_py, as: UTF8.self) }
}
