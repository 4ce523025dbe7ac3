/// What a process that works on a run is and uses: decides how fast it is, and, by instruction set
/// and libraries, the last bits of its numbers.
public struct RunEnvironment: Hashable, Sendable {
  /// Worker threads.
  public var threads: Int
  /// Images in flight at once.
  public var batch: Int
  /// Command line, program name first; empty where a library's caller gave none.
  public var arguments: [String]
  /// BLAS library and kernel in use, as `OpenBLAS 0.3.21 SkylakeX`.
  public var blas: String
  /// Instruction set that the numeric code was compiled for, as `x86-64-v4`.
  public var instructionSet: String

  /// The environment as given.
  public init(
    threads: Int = 1, batch: Int = 1, arguments: [String] = [], blas: String = "",
    instructionSet: String = ""
  ) {
    (self.threads, self.batch, self.arguments) = (threads, batch, arguments)
    (self.blas, self.instructionSet) = (blas, instructionSet)
  }
}
