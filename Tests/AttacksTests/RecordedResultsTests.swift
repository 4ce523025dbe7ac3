import Attacks
import Basics
import Classifiers
import Records
import TensorCore
import Testing

/// Attacks that have recorded runs make the same images to the bit, whatever is rebuilt around them.
@Suite struct RecordedResultsTests {
  /// By name, norm and jitter of the logits: the start of the SHA-256 of the final image's Float
  /// bits, the evaluations, the loss; as they were when restarts and noise were each attack's own.
  private static let recorded = [
    "apgd-ce linf 0.0": "3d96ba292573 26 1.6202233182880257",
    "apgd-ce linf 0.4": "eb9192306b8f 156 1.9970912178026292",
    "apgd-ce l2 0.0": "e9badadfdbce 26 1.7139569768228355",
    "apgd-ce l2 0.4": "5bde02720fbc 156 2.1032247466600835",
    "apgd-dlr linf 0.0": "edd1067072d3 26 0.9999999999987752",
    "apgd-dlr linf 0.4": "05096d0d4301 156 1.1459267426902373",
    "apgd-dlr l2 0.0": "ca45aa89947e 26 0.9999999999990246",
    "apgd-dlr l2 0.4": "219bda1c94d9 156 1.2219628594336442",
    "apgd-margin linf 0.0": "3d96ba292573 26 0.909039090573788",
    "apgd-margin linf 0.4": "3d96ba292573 156 1.395136487544658",
    "apgd-margin l2 0.0": "f8eacc752483 26 1.0236389285326004",
    "apgd-margin l2 0.4": "146026367e84 156 1.4994307139872378",
    "pgd-ce linf 0.0": "3d96ba292573 26 1.6202233182880257",
    "pgd-ce linf 0.4": "3d96ba292573 156 2.0208050892155023",
    "pgd-ce l2 0.0": "5de2a8ce02fa 26 1.708761358989245",
    "pgd-ce l2 0.4": "965bb824b44f 156 2.0714573078479583",
    "pgd-dlr linf 0.0": "d7975969a2b6 26 0.9999999999987655",
    "pgd-dlr linf 0.4": "ddb7155a7944 156 1.1595610366618758",
    "pgd-dlr l2 0.0": "f5f51fdce152 26 0.9999999999990062",
    "pgd-dlr l2 0.4": "9f06ba25ca03 156 1.210221746557989",
    "pgd-margin linf 0.0": "3d96ba292573 26 0.909039090573788",
    "pgd-margin linf 0.4": "3d96ba292573 156 1.395136487544658",
    "pgd-margin l2 0.0": "d7bfad225f24 26 1.0170759158581495",
    "pgd-margin l2 0.4": "56986410f209 156 1.4519194836031215",
    "fgsm linf 0.0": "3d96ba292573 4 1.6202233182880257",
    "fgsm linf 0.4": "3d96ba292573 12 1.7867879381017928",
    "fgsm l2 0.0": "5a1439609fb3 4 1.6900885780597805",
    "fgsm l2 0.4": "e4d62992b843 12 1.855401880519662",
  ]

  private func result(
    _ name: String, _ norm: AttackConfiguration.Norm, jitter: Double
  ) throws -> String {
    let image = (0..<12).map { Float([10, 128, 200, 255, 0, 77][$0 % 6]) / 255 }
    let isSingle = Attacks.isSingleStep(name)
    let configuration = AttackConfiguration(
      name: name, norm: norm, epsilon: norm == .linf ? 0.05 : 0.2, steps: isSingle ? 1 : 12,
      restarts: isSingle || jitter == 0 ? 1 : 2, eot: jitter > 0 ? 3 : 1)
    let classifier = LinearClassifier(jitter: jitter, scale: 0.7)
    let made = try Attacks.make(
      configuration, classCount: classifier.classCount, shape: classifier.shape
    ).perturb(
      image, label: 1, key: ImageKey(dataset: "d", split: "test", index: 7), seed: 11,
      defence: NoiseStream(seed: 0, owner: .defence), against: classifier)
    return "\(SHA256.hexDigest(of: made.image).prefix(12)) \(made.cost.evaluations) \(made.loss)"
  }

  @Test(arguments: recorded.keys.sorted())
  func imagesAreThoseOfRecordedRuns(of attempt: String) throws {
    let parts = attempt.split(separator: " ").map(String.init)
    let norm = try #require(AttackConfiguration.Norm(rawValue: parts[1]))
    let jitter = try #require(Double(parts[2]))
    #expect(try result(parts[0], norm, jitter: jitter) == Self.recorded[attempt])
  }
}
