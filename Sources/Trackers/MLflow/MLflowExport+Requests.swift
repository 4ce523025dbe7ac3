import Basics

/// What is sent, as requests.
extension MLflowExport {
  private static func pairs(_ texts: [String: String]) -> JSONValue {
    .array(
      texts.sorted { $0.key < $1.key }.map {
        .object(["key": .string($0.key), "value": .string($0.value)])
      })
  }

  /// Makes the parent runs of groups that have none.
  func makeGroups(
    of runs: [SentRun], in experiment: String, _ groups: inout [String: String]
  ) throws {
    let new = Set(runs.compactMap(\.group)).filter { groups[$0] == nil }.sorted()
    let made = try server.answers(
      new.map { group in
        let started = runs.filter { $0.group == group }.map(\.started).min() ?? 0
        return MLflowServer.Call(
          "runs/create",
          [
            "experiment_id": .string(experiment), "run_name": .string(String(group.prefix(250))),
            "start_time": .number(Double(started)),
            "tags": Self.pairs([MLflowTag.group: group, MLflowTag.sourceName: "elbow"]),
          ])
      })
    for (group, answer) in zip(new, made) {
      guard let id = answer["run"]["info"]["run_id"].text else { throw unusable("runs/create") }
      groups[group] = id
    }
    // What stands for a group is no work that goes on.
    _ = try server.answers(
      new.compactMap { groups[$0] }.map {
        MLflowServer.Call("runs/update", ["run_id": .string($0), "status": .string("FINISHED")])
      })
  }

  func creation(
    _ run: SentRun, in experiment: String, _ groups: [String: String]
  ) -> MLflowServer.Call {
    var tags = [MLflowTag.run: run.id]
    tags[MLflowTag.parent] = run.group.flatMap { groups[$0] }
    return MLflowServer.Call(
      "runs/create",
      [
        "experiment_id": .string(experiment), "run_name": .string(run.name),
        "start_time": .number(Double(run.started)), "tags": Self.pairs(tags),
      ])
  }

  func update(_ run: SentRun, _ copy: MLflowCopy) -> MLflowServer.Call {
    var members: [String: JSONValue] = [
      "run_id": .string(copy.id), "status": .string(run.status), "run_name": .string(run.name),
    ]
    members["end_time"] = run.ended.map { .number(Double($0)) }
    return MLflowServer.Call("runs/update", members)
  }

  func tag(_ id: String, _ key: String, _ value: String) -> MLflowServer.Call {
    MLflowServer.Call(
      "runs/set-tag", ["run_id": .string(id), "key": .string(key), "value": .string(value)])
  }

  /// Metrics, parameters and tags of one request at most.
  private static let largest = (metrics: 800, parameters: 100, tags: 100)

  /// What the server lacks, in requests of the size it takes.
  func batches(
    _ run: SentRun, _ copy: MLflowCopy, _ points: [SentRun.Point], parent: String?
  ) -> [MLflowServer.Call] {
    for (name, value) in run.parameters {
      if let old = copy.parameters[name], old != value {
        watch.note(
          "the parameter '\(name)' of run \(run.id) is '\(old.prefix(60))' on the server, which lets none "
            + "be changed; it stays")
      }
    }
    var tags = run.tags
    tags[MLflowTag.parent] = parent
    var metrics = points[...]
    var parameters = run.parameters.filter { copy.parameters[$0.key] == nil }
      .sorted { $0.key < $1.key }[...]
    var texts = tags.filter { copy.tags[$0.key] != $0.value }.sorted { $0.key < $1.key }[...]
    var calls: [MLflowServer.Call] = []
    while !metrics.isEmpty || !parameters.isEmpty || !texts.isEmpty {
      calls.append(
        MLflowServer.Call(
          "runs/log-batch",
          [
            "run_id": .string(copy.id),
            "metrics": .array(metrics.prefix(Self.largest.metrics).map(Self.json)),
            "params": Self.pairs(
              Dictionary(
                uniqueKeysWithValues: parameters.prefix(Self.largest.parameters).map {
                  ($0.key, $0.value)
                })),
            "tags": Self.pairs(
              Dictionary(
                uniqueKeysWithValues: texts.prefix(Self.largest.tags).map { ($0.key, $0.value) })),
          ]))
      metrics = metrics.dropFirst(Self.largest.metrics)
      parameters = parameters.dropFirst(Self.largest.parameters)
      texts = texts.dropFirst(Self.largest.tags)
    }
    if parent == nil, copy.tags[MLflowTag.parent] != nil {
      calls.append(
        MLflowServer.Call(
          "runs/delete-tag", ["run_id": .string(copy.id), "key": .string(MLflowTag.parent)]))
    }
    if let dataset = run.dataset, !copy.datasets.contains(dataset.digest) {
      calls.append(self.dataset(dataset, copy))
    }
    return calls
  }

  private static func json(_ point: SentRun.Point) -> JSONValue {
    let value = point.value
    return .object([
      "key": .string(point.name), "step": .number(Double(point.step)),
      "timestamp": .number(Double(point.time)),
      "value": value.isFinite
        ? .number(value)
        : .string(value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity"),
    ])
  }

  private func dataset(
    _ dataset: (name: String, split: String, images: Int, digest: String), _ copy: MLflowCopy
  ) -> MLflowServer.Call {
    let source = JSONValue.object([
      "dataset": .string(dataset.name), "split": .string(dataset.split),
    ])
    let input = JSONValue.object([
      "dataset": .object([
        "name": .string(dataset.name), "digest": .string(dataset.digest),
        "source_type": .string("elbow"), "source": .string(source.canonical),
        "profile": .string(
          JSONValue.object(["images": .number(Double(dataset.images))]).canonical),
      ]),
      "tags": Self.pairs(["mlflow.data.context": "evaluation"]),
    ])
    return MLflowServer.Call(
      "runs/log-inputs", ["run_id": .string(copy.id), "datasets": .array([input])])
  }
}
