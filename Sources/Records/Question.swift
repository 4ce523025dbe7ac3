import Basics

/// What a run asks: runs of equal questions have the same answers, whatever they are called, wherever
/// they run, and whatever is recorded of them.
///
/// Its id is stored beside the run, so that what was asked before is found by one equality. Which code
/// answered, and whether raw losses were recorded, stand beside the question.
public struct Question: Hashable, Sendable {
  /// What is asked of every image.
  public var configuration: Configuration
  /// The attack; nil on clean runs.
  public var attack: AttackConfiguration?
  /// Seed of the defence's stream.
  public var seed: UInt64
  /// Seed of the attacker's stream; nil on clean runs.
  public var attackSeed: UInt64?
  /// In evaluation order.
  public var inputs: [InputRecord]

  /// The question as given.
  public init(
    configuration: Configuration, attack: AttackConfiguration?, seed: UInt64, attackSeed: UInt64?,
    inputs: [InputRecord]
  ) {
    self.configuration = configuration
    self.attack = attack
    self.seed = seed
    self.attackSeed = attackSeed
    self.inputs = inputs
  }

  /// SHA-256 of the question's bytes, 64 hexadecimal digits; `Digest` says which bytes.
  ///
  /// - Throws: `EncodingError` where a number is not finite.
  public func id() throws -> String {
    var digest = Digest(
      fingerprint: try configuration.fingerprint(), attack: try attack?.canonicalJSON(),
      seed: seed, attackSeed: attackSeed)
    for input in inputs { digest.add(input) }
    return digest.id
  }

  /// The id of a question that is told piece by piece.
  ///
  /// The bytes are UTF-8 lines, each ended by a line feed: `question 1`; the configuration's
  /// fingerprint; the attack's canonical JSON, or `null`; the seed; the attacker's seed, or `null`;
  /// then a line for each input, in evaluation order: dataset and split as JSON strings, index,
  /// label and the SHA-256 of the pixels, with spaces between.
  public struct Digest {
    private var hash = SHA256()

    /// The digest of a question without inputs.
    ///
    /// - Parameters:
    ///   - fingerprint: of the configuration.
    ///   - attack: canonical JSON; nil on clean runs.
    ///   - seed: of the defence's stream.
    ///   - attackSeed: of the attacker's stream; nil on clean runs.
    public init(fingerprint: String, attack: String?, seed: UInt64, attackSeed: UInt64?) {
      let attacker = attackSeed.map { "\($0)" } ?? "null"
      hash.update("question 1\n\(fingerprint)\n\(attack ?? "null")\n\(seed)\n\(attacker)\n")
    }

    /// Adds the next input.
    public mutating func add(_ input: InputRecord) {
      let dataset = JSONValue.canonical(string: input.dataset)
      let split = JSONValue.canonical(string: input.split)
      hash.update("\(dataset) \(split) \(input.index) \(input.label) \(input.sha256)\n")
    }

    /// The id of what was told so far.
    public var id: String { hash.hexDigest() }
  }
}
