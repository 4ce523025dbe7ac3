import Basics
import Datasets
import Evaluation
import Foundation
import Networks
import Records
import RunStore

/// Files of a run that are not where they were.
///
/// Models are found by what they hold: under the name that was recorded, among the files given here,
/// among the shipped ones.
public struct ReplacedFiles: Sendable {
  /// Files that may be a run's models, or checkpoints of a training.
  public var models: [String]
  /// Folder of the dataset's files; nil: where it was, else the usual places.
  public var data: String?

  /// Files as given.
  public init(models: [String] = [], data: String? = nil) {
    (self.models, self.data) = (models, data)
  }

  /// The request that a run recorded, with what it names where it is now.
  ///
  /// - Throws: `ElbowError`, which lists all that is missing.
  func request(of run: RecordedRun, _ header: RunHeader) throws -> RunRequest {
    var request = try RunRequest(recorded: run.invocation, of: run.id)
    var missing: [String] = []
    request.data = folder(request.data)
    let dataset = header.configuration.classifier.isOptimal ? "train" : nil
    if dataset == nil, request.engineSHA256 == nil {
      if let name = model(header.model, named: request.model) {
        request.model = name
      } else {
        missing.append(Self.description(header.model))
      }
    }
    if let other = header.lmModel {
      let recorded = request.lmModel ?? (dataset == nil ? ShippedModels.standard : request.model)
      if let name = model(other, named: recorded) {
        if name != recorded || request.lmModel != nil { request.lmModel = name }
      } else {
        missing.append(Self.description(other))
      }
    }
    for split in Set([request.split, dataset].compactMap(\.self)) {
      do {
        let images = try DatasetCatalog.load(request.dataset, split: split, directory: request.data)
        if split == request.split, request.inputsRun == nil {
          missing += Self.changed(header.inputs, of: images)
        }
        if split == dataset, images.sha256 != header.model.sha256 {
          missing.append("training images \(header.model.sha256.prefix(12))… (here are others)")
        }
      } catch { missing.append("\(split) images: \(error)") }
    }
    guard missing.isEmpty else {
      throw ElbowError(
        .missing,
        "run \(run.id) cannot be made again, for want of\n  " + missing.joined(separator: "\n  ")
          + "\nname files with `model` and `data`")
    }
    return request
  }

  /// The folder of a dataset: the one given, else the recorded one where it is still there.
  func folder(_ recorded: String?) -> String? {
    data ?? recorded.flatMap { FileManager.default.fileExists(atPath: $0) ? $0 : nil }
  }

  /// The name of a checkpoint whose tensors have a hash; nil: there is none.
  func model(_ record: ModelRecord, named name: String) -> String? {
    model(record.sha256, named: name)
  }

  /// The same by hash alone.
  func model(_ sha256: String, named name: String) -> String? {
    ([name] + models + ShippedModels.names).first { name in
      (try? Checkpoint(path: ShippedModels.path(of: name)))?.sha256 == sha256
    }
  }

  private static func description(_ model: ModelRecord) -> String {
    "model \(model.name) (SHA-256 of its tensors \(model.sha256))"
  }

  /// Images that are not what they were.
  private static func changed(_ inputs: [InputRecord], of images: Dataset) -> [String] {
    let others = inputs.filter { input in
      input.index >= images.count || !images.inputRecord(at: input.index).isSameImage(as: input)
    }
    guard let first = others.first else { return [] }
    return [
      "\(others.count) of its images, as \(first.split) \(first.index) (SHA-256 \(first.sha256)): "
        + "those of \(images.name) here are others"
    ]
  }
}
