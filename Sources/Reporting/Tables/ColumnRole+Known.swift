extension ColumnRole {
  /// What the columns of Elbow's own tables may give up, by the name above them.
  ///
  /// Never what a result means: how many images, under which attack, how sure, how it ended.
  public static let known: [String: ColumnRole] = {
    var roles: [String: ColumnRole] = [
      "gradients": ColumnRole(.minor(1), heads: ["grad."]),
      "weights": ColumnRole(.minor(2), least: 6, emphasis: .dim),
      "grid": ColumnRole(.minor(3), least: 10, cut: .middle, emphasis: .dim),
      "s/image": ColumnRole(.minor(4)),
      "from": ColumnRole(.minor(5), least: 10),
      "when": ColumnRole(.useful(10), emphasis: .dim),
      "classifier": ColumnRole(.useful(20), least: 5),
      "seed": ColumnRole(.useful(30)),
      "sd": ColumnRole(.useful(40)),
      "NFE": ColumnRole(.useful(50)),
      "strategy": ColumnRole(.useful(60), least: 9, cut: .middle),
      "name": ColumnRole(.useful(70), least: 8, most: 60, cut: .middle),
      "configuration": .stub,
      "attack": ColumnRole(least: 11, cut: .middle),
      "images": ColumnRole(heads: ["n"]),
      "runs × images": ColumnRole(heads: ["runs×images"]),
      "accuracy % (95 %)": ColumnRole(heads: ["accuracy (95 %)", "% (95 %)"]),
      "mean accuracy % (95 %)": ColumnRole(heads: ["mean % (95 %)", "% (95 %)"]),
      "robust % (95 %)": ColumnRole(heads: ["robust"]),
      "difference (95 %)": ColumnRole(heads: ["diff. (95 %)"]),
    ]
    for name in [
      "run", "status", "p", "pareto", "differs %", "id", "run_id", "n", "n_images", "n_done",
      "accuracy", "accuracy_low", "accuracy_high", "delta", "delta_low", "delta_high", "p_value",
    ] {
      roles[name] = ColumnRole()
    }
    return roles
  }()

  /// Of a column of labels that say what a row is of.
  static let stub = ColumnRole(least: 16, most: 60, wraps: true)

  /// Of a column that nothing is known of: the rightmost goes first, before those that are known;
  /// sentences are read whole.
  static func unknown(at index: Int, isNumeric: Bool, _ texts: some Sequence<String>) -> ColumnRole
  {
    guard !isNumeric else { return ColumnRole(.useful(-index)) }
    let isProse = texts.contains { $0.utf8.count > 40 && $0.contains(" ") }
    return isProse
      ? ColumnRole(least: 20, wraps: true) : ColumnRole(.useful(-index), least: 12, cut: .middle)
  }
}
