import Records

/// The shortest step onto a hyperplane that keeps every pixel in [0, 1].
///
/// With it a pixel moves by s_i·min(t·g_i, room_i), where g_i is 1 for ℓ∞ and |w_i| for ℓ2: ⟨w, ·⟩
/// then grows with t in straight pieces, whose ends are the t at which pixels meet their bounds.
struct HyperplaneStep {
  /// What is added to each pixel.
  let step: [Double]
  /// Its length in the norm.
  let length: Double

  /// - Parameters:
  ///   - x: where it starts, [0, 1].
  ///   - w: normal of the plane.
  ///   - gap: what ⟨w, step⟩ is to be. **Edge cases** Where no image reaches it, the step goes as far
  ///     as it can.
  init(from x: [Double], normal w: [Double], gap: Double, norm: AttackConfiguration.Norm) {
    let rises = gap >= 0
    let speed = w.map { norm == .l2 ? $0.magnitude : $0 == 0 ? 0 : 1 }
    let room = x.indices.map { (w[$0] > 0) == rises ? 1 - x[$0] : x[$0] }
    let ends = x.indices.filter { speed[$0] > 0 }.map { (at: room[$0] / speed[$0], pixel: $0) }
      .sorted { $0.at < $1.at }
    // Gain of ⟨w, ·⟩ a unit of t, and what pixels at their bounds have gained.
    var slope = ends.reduce(0) { $0 + w[$1.pixel].magnitude * speed[$1.pixel] }
    var settled = 0.0
    var reach = ends.last?.at ?? 0
    for end in ends {
      if settled + slope * end.at >= gap.magnitude {
        reach = slope > 0 ? max((gap.magnitude - settled) / slope, 0) : end.at
        break
      }
      let weight = w[end.pixel].magnitude
      settled += weight * room[end.pixel]
      slope -= weight * speed[end.pixel]
    }
    let step = x.indices.map { i in
      let size = min(reach * speed[i], room[i])
      return (w[i] > 0) == rises ? size : -size
    }
    self.step = step
    length =
      norm == .l2
      ? step.reduce(0) { $0 + $1 * $1 }.squareRoot() : step.reduce(0) { max($0, $1.magnitude) }
  }
}
