/// A page to read.
struct Page: Sendable {
  /// What it is about.
  var title: String
  /// What stands on it.
  var body: HTML
  /// The command that answers the same; nil: there is none.
  var command: String?
  /// Whether what it shows is still going on.
  var isLive = false
  /// Whether a part of it is still being made.
  var isUnderway = false
  /// Whether what it shows may change with the file.
  var isWatched = false
  /// Where the same stands as data; nil: nowhere.
  var data: String?
  /// The section that it belongs to: a path of the head's links.
  var section: String
  /// 200, or 400 where what was asked is wrong and the page says so.
  var status = 200
}
