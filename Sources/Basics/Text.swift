import Foundation

extension String {
  /// Without white space at its ends.
  package var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
