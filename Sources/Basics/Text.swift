import Foundation

extension String {
  /// Without white space at its ends.
  public var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
