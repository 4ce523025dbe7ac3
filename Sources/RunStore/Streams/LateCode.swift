import Foundation
import Synchronization

/// The code of the working directory, which git finds out beside the work.
final class LateCode: Sendable {
  private enum Answer { case coming, here(CodeState?) }
  private let answer = Mutex(Answer.coming)
  private let done = DispatchSemaphore(value: 0)

  /// Asks git.
  init() {
    Thread.detachNewThread { [self] in
      let state = CodeState.capture(ofProgram: false)
      answer.withLock { $0 = .here(state) }
      done.signal()
    }
  }

  /// The state, nil while git has not answered; within, nil where there is no checkout.
  var state: CodeState?? {
    answer.withLock {
      guard case .here(let state) = $0 else { return nil }
      return .some(state)
    }
  }

  /// The state, when git has answered.
  func wait() -> CodeState? {
    done.wait()
    done.signal()
    return state ?? nil
  }
}
