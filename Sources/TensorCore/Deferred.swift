import Synchronization

/// A value that is made when it is first asked for, once, by whichever thread asks.
public final class Deferred<Value: Sendable>: Sendable {
  private enum State: Sendable {
    case pending(@Sendable () -> Value)
    case ready(Value)
  }

  private let state: Mutex<State>

  /// A value that `make` will give; what `make` holds is let go afterwards.
  public init(_ make: @escaping @Sendable () -> Value) { state = Mutex(.pending(make)) }

  /// The value.
  public var value: Value {
    state.withLock { state in
      switch state {
      case .ready(let value): return value
      case .pending(let make):
        let value = make()
        state = .ready(value)
        return value
      }
    }
  }
}
