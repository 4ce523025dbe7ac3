/// Something recorded that is not what it should be.
public struct Finding: Hashable, Sendable {
  /// Id of the run, or training; nil: of the file.
  public var run: String?
  /// Position of the image in its run; nil: of the run.
  public var position: Int?
  /// Index of the image in its split, where that is known.
  public var image: Int?
  /// What it is about: a table's column, as `prediction.correct`, or what else was checked.
  public var what: String
  /// As it stands in the file.
  public var stored: String
  /// As it should be.
  public var recomputed: String

  /// The finding as given.
  public init(
    run: String? = nil, position: Int? = nil, image: Int? = nil, _ what: String, stored: String,
    recomputed: String
  ) {
    (self.run, self.position, self.image, self.what) = (run, position, image, what)
    (self.stored, self.recomputed) = (stored, recomputed)
  }
}
