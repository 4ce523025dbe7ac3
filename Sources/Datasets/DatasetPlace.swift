/// Which files a dataset is read from.
struct DatasetPlace: Sendable {
  /// Their folder.
  var directory: String
  /// `train` or `test`.
  var split: String
  /// Which set, where a folder may hold several and the user has said which.
  var member: String?
  /// What to do where they are not right, for messages.
  var remedy: String
}
