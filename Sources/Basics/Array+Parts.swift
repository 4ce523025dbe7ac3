import Dispatch

extension Array where Element: Sendable {
  /// What `body` makes of each element, in order; of many on all cores at once.
  ///
  /// - Parameter least: elements below which one core does them alone.
  package func mapInParts<Result: Sendable>(
    of least: Int = 1024, _ body: @Sendable (Element) -> Result
  ) -> [Result] {
    guard count >= 2 * least else { return map(body) }
    let parts = count / least
    var results = [[Result]](repeating: [], count: parts)
    results.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let slots = buffer
      DispatchQueue.concurrentPerform(iterations: parts) { part in
        slots[part] = self[part * count / parts..<(part + 1) * count / parts].map(body)
      }
    }
    return results.flatMap(\.self)
  }
}
