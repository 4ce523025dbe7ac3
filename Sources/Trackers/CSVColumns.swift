import Basics

/// What the columns of a table of runs are.
struct CSVColumns {
  /// Columns with a meaning of their own.
  enum Role: String, CaseIterable {
    case run, name, group, note, status, started, ended, step, time, metric, value, error

    /// Names that it goes by, the likeliest first.
    var names: [String] {
      switch self {
      case .run: ["run", "run_id", "run id", "id", "run_name", "name"]
      case .name: ["name", "run_name"]
      case .group: ["group"]
      case .note: ["note", "notes"]
      case .status: ["status", "state"]
      case .started: ["started", "started_at", "start_time", "created"]
      case .ended: ["ended", "finished_at", "end_time"]
      case .step: ["step", "_step"]
      case .time: ["time", "timestamp", "_timestamp", "logged_at"]
      case .metric: ["metric", "key"]
      case .value: ["value"]
      case .error: ["error"]
      }
    }
  }

  /// What else a column is.
  enum Kind { case metric, parameter, tag }

  /// Places of columns by their role.
  private(set) var roles: [Role: Int] = [:]
  /// The others, with the names of what they hold.
  private(set) var others: [(place: Int, name: String, kind: Kind?)] = []

  /// - Parameters:
  ///   - header: names in the file's first line.
  ///   - given: columns by their role, as `run=experiment`.
  ///   - metrics, parameters: names of columns that are such.
  /// - Throws: `ElbowError` for a role or a column that there is not.
  init(
    _ header: [String], given: [String], metrics: [String], parameters: [String], path: String
  ) throws {
    func place(_ name: String) throws -> Int {
      guard let place = header.firstIndex(of: name) else {
        throw ElbowError(
          .unknownName, "\(path): has no column '\(name)'" + didYouMean(name, among: header))
      }
      return place
    }
    for text in given {
      let pair = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard pair.count == 2, let role = Role(rawValue: pair[0]) else {
        throw ElbowError(
          .malformed,
          "`columns` takes ROLE=COLUMN, as run=experiment; roles are "
            + "\(Role.allCases.map(\.rawValue).joined(separator: ", ")); got '\(text)'")
      }
      roles[role] = try place(pair[1])
    }
    let named = Set(try (metrics + parameters).map(place))
    let lower = header.map { $0.lowercased() }
    for role in Role.allCases where roles[role] == nil {
      let found = role.names.lazy.compactMap(lower.firstIndex).first {
        !named.contains($0) && (!roles.values.contains($0) || role == .name)
      }
      if let found { roles[role] = found }
    }
    // A metric's name and its value make long lines only together.
    if roles[.metric] == nil || roles[.value] == nil {
      for role in [Role.metric, .value]
      where !given.contains(where: { $0.hasPrefix(role.rawValue) }) {
        roles[role] = nil
      }
    }
    let taken = Set(roles.values)
    let prefixes: [(String, Kind)] = [
      ("metrics.", .metric), ("params.", .parameter), ("tags.", .tag),
    ]
    for (place, name) in header.enumerated() where !taken.contains(place) && !name.isEmpty {
      if let (prefix, kind) = prefixes.first(where: { name.hasPrefix($0.0) }) {
        others.append((place, String(name.dropFirst(prefix.count)), kind))
      } else {
        let kind: Kind? =
          metrics.contains(name) ? .metric : parameters.contains(name) ? .parameter : nil
        others.append((place, name, kind))
      }
    }
  }

  /// Whether a line is one value of one metric.
  var isLong: Bool { roles[.metric] != nil && roles[.value] != nil }

  /// Decides the columns of which nothing is said: metrics where all of their values are numbers.
  mutating func decide(isNumeric: (Int) -> Bool) {
    for index in others.indices where others[index].kind == nil {
      others[index].kind = isNumeric(others[index].place) ? .metric : .parameter
    }
  }
}
