/// What a condition may ask of a metric: its last, least, greatest or mean value over the steps.
///
/// Values that are not a number are left out of all but the last, where they are NULL.
enum MetricFunction: String, CaseIterable {
  case last, min, max, mean

  /// SQL of the value for the run `answer.id`, NULL where it has no such metric.
  ///
  /// - Parameter name: placeholder that the metric's name is bound to.
  func sql(_ name: String) -> String {
    let series = "(SELECT id FROM metric_series WHERE run_id = answer.id AND name = \(name))"
    let aggregate: String
    switch self {
    case .last:
      return """
        (SELECT value FROM metric_point WHERE series_id = \(series)
          ORDER BY step DESC, arrival DESC LIMIT 1)
        """
    case .min: aggregate = "min"
    case .max: aggregate = "max"
    case .mean: aggregate = "avg"
    }
    return """
      (SELECT \(aggregate)(point.value) FROM metric_point AS point
        WHERE point.series_id = \(series) AND NOT EXISTS (
          SELECT 1 FROM metric_point AS later
          WHERE later.series_id = point.series_id AND later.step = point.step
            AND later.arrival > point.arrival))
      """
  }
}
