import Basics
import Foundation
import GRDB
import Records

/// Inserts predictions of one run, with all that belongs to them, within one transaction.
struct PredictionInsertion {
  private let run: Int
  /// Of the run's whole grid, and of all its images.
  private let timesteps, classes: Int
  private let db: Database
  private let prediction, evidence, loss, checksum: Insertion

  /// For the run of an id.
  ///
  /// - Throws: `ElbowError` where there is no such run.
  init(_ run: String, _ db: Database) throws {
    guard
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT number, (SELECT count(*) FROM run_timestep WHERE run_id = run.id) AS timesteps,
            json_array_length(class_names) AS classes
          FROM run_total JOIN run ON run.id = run_id WHERE run_id = ?
          """, arguments: [run]),
      let number = row.integer("number")
    else { throw ElbowError(.missing, "run \(run) is gone") }
    (self.run, self.db) = (Int(number), db)
    timesteps = Int(row.integer("timesteps") ?? 0)
    classes = Int(row.integer("classes") ?? 0)
    prediction = try Insertion(
      """
      INSERT INTO prediction (run, position, predicted, correct, nfe, gradients, seconds,
        movement_max, movement_mean, clean_predicted, attacked, attack_nfe, attack_gradients,
        attack_seconds, attack_zero_gradients, attack_loss, attack_linf, attack_l2,
        redraws, redraws_correct, redraws_majority, broken_by)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """, db)
    prediction.bind(1, self.run)
    evidence = try Insertion(
      "INSERT INTO class_evidence (run, position, class, elbo, last_round) VALUES (?, ?, ?, ?, ?)",
      db)
    evidence.bind(1, self.run)
    loss = try Insertion(
      "INSERT INTO loss_blob (run, position, \"values\", places) VALUES (?, ?, ?, ?)", db)
    loss.bind(1, self.run)
    checksum = try Insertion(ChecksumWriting.ofImage, db)
    checksum.bind(1, self.run)
  }

  /// Inserts one.
  func insert(_ p: Prediction) throws {
    prediction.bind(2, p.position)
    prediction.bind(3, p.predicted)
    prediction.bind(4, p.correct ? 1 : 0)
    prediction.bind(5, p.nfe)
    prediction.bind(6, p.gradients)
    prediction.bind(7, p.seconds)
    prediction.bind(8, p.movementMax)
    prediction.bind(9, p.movementMean)
    let attack = p.attack
    let attempt = attack.flatMap { $0.attempted ? $0 : nil }
    prediction.bind(10, attack?.cleanPredicted)
    prediction.bind(11, attack.map { $0.attempted ? 1 : 0 })
    prediction.bind(12, attack?.nfe)
    prediction.bind(13, attack?.gradients)
    prediction.bind(14, attack?.seconds)
    prediction.bind(15, attempt?.zeroGradientShare)
    prediction.bind(16, attempt?.loss)
    prediction.bind(17, attempt?.linf)
    prediction.bind(18, attempt?.l2)
    prediction.bind(19, attempt?.redraws?.count)
    prediction.bind(20, attempt?.redraws?.correct)
    prediction.bind(21, attempt?.redraws?.majority)
    prediction.bind(22, attempt?.brokenBy)
    try prediction.insert()

    evidence.bind(2, p.position)
    for item in p.evidence {
      evidence.bind(3, item.label)
      evidence.bind(4, item.elbo)
      evidence.bind(5, item.lastRound)
      try evidence.insert()
    }
    if let losses = p.losses {
      loss.bind(2, p.position)
      switch losses {
      case .dense(let values):
        loss.bind(3, values.map { $0.bitPattern.littleEndian })
        loss.bind(4, nil as [Int32]?)
      case .sparse(let asked):
        let sorted = asked.sorted { $0.place < $1.place }
        if let bits = LossPlaces.bits(of: sorted, timesteps: timesteps, classes: classes) {
          loss.bind(3, sorted.map { $0.value.bitPattern.littleEndian })
          loss.bind(4, bits)
        } else {
          loss.bind(3, asked.map { $0.value.bitPattern.littleEndian })
          loss.bind(
            4,
            asked.flatMap { [$0.draw, $0.timestep, $0.label].map { Int32($0).littleEndian } })
        }
      }
      try loss.insert()
    }
    if let image = attack?.image {
      try db.cachedStatement(sql: "INSERT INTO adversarial_image VALUES (?, ?, ?, ?)")
        .execute(arguments: [run, p.position, Blob.data(image), SHA256.hexDigest(of: image)])
    }
    checksum.bind(2, p.position)
    try checksum.insert()
  }
}
