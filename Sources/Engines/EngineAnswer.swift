/// The line before the numbers of an answer.
struct EngineAnswer: Decodable {
  /// Number of the request.
  var id: Int
  /// Length of what follows.
  var bytes: Int?
  /// Why nothing does.
  var error: String?
  /// Joules that its GPU has used so far.
  var gpuJoules: Double?
  /// Most memory that it has taken of its GPU, bytes.
  var gpuMemory: Int?

  enum CodingKeys: String, CodingKey {
    case id, bytes, error
    case gpuJoules = "gpu_joules"
    case gpuMemory = "gpu_memory"
  }
}
