/// A view as the file stores it: a file of the folder `Views`.
package struct StoredView: Sendable {
  /// Its name, and the file's without extension.
  package let name: String
  /// The statement.
  package let sql: String
  /// What a row is: the file's leading comment, on one line.
  package let row: String

  /// The view as given.
  package init(name: String, sql: String, row: String) {
    (self.name, self.sql, self.row) = (name, sql, row)
  }

  /// Reads a file.
  ///
  /// - Returns: nil where there is no comment, or no view of that name after it.
  init?(_ name: String, _ file: [UInt8]) {
    // By bytes: every command that opens a file reads them all.
    var (rest, comment): (ArraySlice<UInt8>, [String]) = (file[...], [])
    while rest.starts(with: "-- ".utf8) {
      let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
      comment.append(String(decoding: rest[..<end].dropFirst(3), as: UTF8.self))
      rest = rest[end...].dropFirst()
    }
    guard !comment.isEmpty, rest.starts(with: "CREATE VIEW \(name) AS\n".utf8) else { return nil }
    self.name = name
    sql = String(decoding: rest, as: UTF8.self)
    row = comment.joined(separator: " ")
  }
}

/// Views of one state, with its number.
///
/// A file knows the number of its views, as `PRAGMA user_version`. A program whose number is higher
/// replaces them all when it opens the file; one whose number is lower leaves them. So whoever
/// changes a view raises the number, and columns are added, never taken away: an older program
/// still reads the newer views.
package struct Views: Sendable {
  /// Rises with every change of a view.
  package let number: Int
  /// By name.
  package let all: [StoredView]

  /// The views as given.
  package init(number: Int, _ all: [StoredView]) { (self.number, self.all) = (number, all) }

  /// The query of a view.
  ///
  /// - Parameter name: of one of them.
  package func body(of name: String) -> Substring {
    guard let view = all.first(where: { $0.name == name }) else {
      preconditionFailure("there is no view '\(name)'")
    }
    let end = view.sql.lastIndex(of: ";") ?? view.sql.endIndex
    return view.sql[..<end].dropFirst("CREATE VIEW \(name) AS\n".count)
  }

  /// The migration that begins it; the ones before made views of their own.
  package static let firstMigration = "V0008__questions"

  /// Those of the folder `Views`.
  package static let current = Views(
    number: 13,
    [
      ("adversarial_images", PackageResources.adversarial_images_sql),
      ("attempts", PackageResources.attempts_sql),
      ("class_elbo", PackageResources.class_elbo_sql),
      ("class_elbos", PackageResources.class_elbos_sql),
      ("class_names", PackageResources.class_names_sql),
      ("configurations", PackageResources.configurations_sql),
      ("every_run", PackageResources.every_run_sql),
      ("loss", PackageResources.loss_sql),
      ("losses", PackageResources.losses_sql),
      ("metrics", PackageResources.metrics_sql),
      ("predictions", PackageResources.predictions_sql),
      ("robustness", PackageResources.robustness_sql),
      ("runs", PackageResources.runs_sql),
      ("training_metric", PackageResources.training_metric_sql),
      ("trainings", PackageResources.trainings_sql),
      ("trash", PackageResources.trash_sql),
      ("unkept_robustness", PackageResources.unkept_robustness_sql),
      ("unkept_verdicts", PackageResources.unkept_verdicts_sql),
      ("verdicts", PackageResources.verdicts_sql),
    ].compactMap { StoredView($0, $1) })
}
