/// The candidate nearest to a mistyped name, nil where none is near.
///
/// Near means an edit distance (insertions, deletions, substitutions, swaps of neighbours) of at
/// most a third of the name's length, at least 1; or a common prefix of 3 characters.
package func suggestion(for name: String, among candidates: [String]) -> String? {
  let scored = candidates.map { (editDistance(name.lowercased(), $0.lowercased()), $0) }
  guard let best = scored.min(by: { $0.0 < $1.0 }) else { return nil }
  if best.0 <= max(1, name.count / 3) { return best.1 }
  guard name.count >= 3 else { return nil }
  return scored.filter { $0.1.hasPrefix(name.prefix(3)) }.min { $0.0 < $1.0 }?.1
}

/// As `; did you mean 'edm'?`, empty where nothing is near.
package func didYouMean(_ name: String, among candidates: [String]) -> String {
  suggestion(for: name, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
}

private func editDistance(_ a: String, _ b: String) -> Int {
  let (a, b) = (Array(a), Array(b))
  var before: [Int] = []
  var previous = Array(0...b.count)
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var cost = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
      row.append(cost)
    }
    before = previous
    previous = row
  }
  return previous[b.count]
}
