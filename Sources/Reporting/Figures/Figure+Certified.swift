import Basics
import Statistics

extension Figure {
  /// What randomized smoothing certifies of a run.
  public struct Certificate: Sendable {
    /// Full id of the run.
    public var run: String
    /// What tells it from the others.
    public var label: String
    /// Radius around each image, ℓ2, pixel units; 0 where nothing is certified.
    public var radii: [Double]
    /// Accuracy under attacks within ℓ2 balls, by budget, with n.
    public var attacked: [Double: (accuracy: Double, n: Int)]

    /// The value as given.
    public init(
      run: String, label: String, radii: [Double],
      attacked: [Double: (accuracy: Double, n: Int)] = [:]
    ) {
      (self.run, self.label, self.radii, self.attacked) = (run, label, radii, attacked)
    }
  }

  /// Certified accuracy against the radius, a line for each run; marks are accuracy under attacks of
  /// that size.
  ///
  /// - Parameter certificates: at least one, each with an image.
  public init(certified certificates: [Certificate]) {
    var series: [Series] = []
    for (index, one) in certificates.enumerated() {
      let n = one.radii.count
      func share(_ count: Int) -> Double { 100 * Double(count) / Double(n) }
      // Down at every radius, level up to the next.
      var points = [Point(0, share(one.radii.count { $0 > 0 }))]
      for radius in Set(one.radii).sorted() where radius > 0 {
        points.append(Point(radius, share(one.radii.count { $0 >= radius })))
        points.append(Point(radius, share(one.radii.count { $0 > radius })))
      }
      series.append(Series("\(one.label), n = \(n)", points, style: .line, color: index))
      guard !one.attacked.isEmpty else { continue }
      series.append(
        Series(
          "\(one.label), attacked",
          one.attacked.sorted { $0.key < $1.key }.map { radius, found in
            let interval = WilsonInterval(share: found.accuracy, of: found.n)
            return Point(
              radius, 100 * found.accuracy, 100 * interval.low, 100 * interval.high)
          }, style: .points, color: index))
    }
    let runs = certificates.map(\.run)
    self.init(
      "Certified accuracy",
      panels: [
        Panel(
          x: Axis("ℓ2 radius (pixel units)"), y: Axis("accuracy (%)", isPercent: true),
          .series(series))
      ],
      caption: [
        "Share of images that the smoothed classifier gets right wherever they are moved within the "
          + "radius, at confidence 99.9 % each. Marks: right under attacks of that size, with 95 % "
          + "intervals (Wilson).",
        Self.describe(runs: runs),
      ], sources: runs)
  }
}
