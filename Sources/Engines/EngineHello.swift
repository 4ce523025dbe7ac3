import Basics
import Foundation
import Networks
import Records
import TensorCore

/// What an engine says of itself, first of all.
public struct EngineHello: Codable, Hashable, Sendable {
  /// What it computes.
  public enum Kind: String, Codable, Sendable {
    /// D(x; σ, y), images in [−1, 1].
    case denoiser
    /// Logits of images in [0, 1].
    case classifier
  }

  /// Version of the protocol.
  public var version: Int
  /// What it computes.
  public var kind: Kind
  /// What it serves, as people call it.
  public var name: String
  /// SHA-256 of what it serves, 64 hexadecimal digits in lower case: another wherever it would answer
  /// otherwise.
  public var sha256: String
  /// Size of an image, `[C, H, W]`.
  public var shape: [Int]
  /// Number of classes K; 0: an unconditional denoiser.
  public var classes: Int
  /// Whether a denoiser takes no label as well.
  public var unconditional: Bool?
  /// Rows that it computes best at once.
  public var batch: Int
  /// Where it computes, as `cuda:0`.
  public var device: String?
  /// Versions of what it computes with, by name.
  public var versions: [String: String]?
  /// Number of parameters.
  public var parameters: Int?
  /// Type that it computes in, as `F32`.
  public var dtype: String?
  /// Longest time that an answer may take, seconds; beyond that it hangs.
  public var patience: Double?
  /// Joules that its GPU has used so far, since whenever; answers tell it again.
  public var gpuJoules: Double?
  /// Most memory that it has taken of its GPU, bytes; answers tell it again.
  public var gpuMemory: Int?

  enum CodingKeys: String, CodingKey {
    case version = "elbow_engine"
    case kind, name, sha256, shape, classes, unconditional, batch, device, versions, parameters
    case dtype, patience
    case gpuJoules = "gpu_joules"
    case gpuMemory = "gpu_memory"
  }

  /// The version that this program speaks.
  public static let version = 1

  /// Reads the first line of an engine.
  ///
  /// - Throws: `ElbowError` where it is none, or says what cannot be.
  init(_ line: [UInt8]) throws {
    do { self = try JSONDecoder().decode(Self.self, from: Data(line)) } catch {
      let text = String(decoding: line.prefix(200), as: UTF8.self)
      throw ElbowError(
        .damaged,
        "the engine began with '\(text)', which is no hello; what is not for Elbow belongs on "
          + "standard error")
    }
    guard version == Self.version else {
      throw ElbowError(
        .newer, "the engine speaks version \(version) of the protocol, this Elbow \(Self.version)")
    }
    if let problem { throw ElbowError(.damaged, "the engine's hello says \(problem)") }
  }

  private var problem: String? {
    if sha256.utf8.count != 64 || !sha256.allSatisfy({ "0123456789abcdef".contains($0) }) {
      return "a sha256 that is not 64 hexadecimal digits in lower case"
    }
    if shape.count != 3 || !shape.allSatisfy({ 1...1 << 16 ~= $0 }) {
      return "shape \(shape), which is not [channels, height, width]"
    }
    if classes < 0 || classes == 1 || kind == .classifier && classes == 0 {
      return "\(classes.counted("class"))"
    }
    if !(1...65_536 ~= batch) { return "batch \(batch)" }
    if let patience, !(patience > 0) { return "patience \(patience)" }
    if name.isEmpty { return "no name" }
    return nil
  }

  /// Size of an image.
  public var imageShape: ImageShape {
    ImageShape(channels: shape[0], height: shape[1], width: shape[2])
  }

  /// Where and with what it computes, as `cuda:0, torch 2.6.0`; stands where runs record BLAS.
  public var environment: String {
    let versions = (versions ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    return (["engine on \(device ?? "unknown")"] + versions).joined(separator: ", ")
  }

  /// The model as a run records it.
  public var record: ModelRecord {
    let about: [String: JSONValue] = [
      "engine": .string(kind.rawValue), "classes": .number(Double(classes)),
      "shape": .array(shape.map { .number(Double($0)) }),
      "unconditional": .bool(unconditional ?? (classes == 0)),
    ]
    return ModelRecord(
      sha256: sha256, name: name, dtype: dtype ?? "F32", parameters: parameters ?? 0,
      architecture: JSONValue.object(about).canonical)
  }
}
