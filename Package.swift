// swift-tools-version: 6.1
import Foundation
import PackageDescription

/// Instruction set that the numeric targets are compiled for.
///
/// The best x86-64 level that every core of this machine has, so that SIMD types map to whole registers; `ELBOW_ARCH`
/// overrides it (`baseline` for a binary that runs anywhere, `x86-64-v3`, `x86-64-v4`). Elsewhere (arm64) the default is right.
let instructionSet: String? = {
  if let chosen = ProcessInfo.processInfo.environment["ELBOW_ARCH"], !chosen.isEmpty {
    return chosen == "baseline" ? nil : chosen
  }
  guard let info = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
    let flags = info.split(separator: "\n").first(where: { $0.hasPrefix("flags") })
  else { return nil }
  let present = Set(flags.split(separator: " ").map(String.init))
  let v3 = ["avx2", "fma", "bmi1", "bmi2", "f16c", "movbe", "abm"]
  let v4 = ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]
  guard present.isSuperset(of: v3) else { return nil }
  return present.isSuperset(of: v4) ? "x86-64-v4" : "x86-64-v3"
}()

let numeric: [SwiftSetting] =
  instructionSet.map { level in
    [
      .unsafeFlags(["-Xcc", "-march=\(level)"]),
      .define(level == "x86-64-v4" ? "SIMD_512" : "SIMD_256"),
    ]
  } ?? []

let package = Package(
  name: "elbow",
  platforms: [.macOS(.v15)],
  products: [.executable(name: "elbow", targets: ["elbow"])],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    .target(name: "Records"),
    .target(name: "TensorCore", dependencies: ["COpenBLAS"], swiftSettings: numeric),
    .target(name: "Layers", dependencies: ["TensorCore"], swiftSettings: numeric),
    .target(
      name: "Diffusion", dependencies: ["Layers", "Records"], resources: [.copy("Models")],
      swiftSettings: numeric),
    .target(name: "Datasets", dependencies: ["TensorCore", "Records", "CZlib"]),
    .target(
      name: "Classifiers", dependencies: ["Diffusion", "Records"], swiftSettings: numeric),
    .target(name: "Attacks", dependencies: ["Classifiers", "Records"], swiftSettings: numeric),
    .target(
      name: "Training",
      dependencies: ["Attacks", "Classifiers", "Datasets", "Diffusion", "Records"],
      swiftSettings: numeric),
    .target(
      name: "Evaluation", dependencies: ["Attacks", "Classifiers", "Datasets", "Records"]),

    .target(
      name: "Migrations", path: "Migrations", sources: ["Migrations.swift"],
      resources: [
        .embedInCode("V0001__runs.sql"),
        .embedInCode("V0002__trainings.sql"),
        .embedInCode("V0003__classifiers.sql"),
        .embedInCode("V0004__replays.sql"),
        .embedInCode("V0005__lifecycle.sql"),
        .embedInCode("V0006__speed.sql"),
        .embedInCode("V0007__room.sql"),
      ]),
    .target(
      name: "Queries", path: "Queries", sources: ["Queries.swift"],
      resources: [
        .embedInCode("accuracy-by-epsilon.sql"),
        .embedInCode("accuracy-cost.sql"),
        .embedInCode("attack-summary.sql"),
        .embedInCode("class-elbos.sql"),
        .embedInCode("classes.sql"),
        .embedInCode("comparison.sql"),
        .embedInCode("configurations.sql"),
        .embedInCode("confusion.sql"),
        .embedInCode("dependants.sql"),
        .embedInCode("diff.sql"),
        .embedInCode("evidence.sql"),
        .embedInCode("evidence-image.sql"),
        .embedInCode("flips.sql"),
        .embedInCode("frontier.sql"),
        .embedInCode("hardest.sql"),
        .embedInCode("health.sql"),
        .embedInCode("losses.sql"),
        .embedInCode("metric-points.sql"),
        .embedInCode("metric-series.sql"),
        .embedInCode("paired-in-place.sql"),
        .embedInCode("paired-robust.sql"),
        .embedInCode("paired.sql"),
        .embedInCode("pareto.sql"),
        .embedInCode("precedents.sql"),
        .embedInCode("predictions.sql"),
        .embedInCode("provenance.sql"),
        .embedInCode("replays.sql"),
        .embedInCode("robustness.sql"),
        .embedInCode("run.sql"),
        .embedInCode("runs.sql"),
        .embedInCode("sessions.sql"),
        .embedInCode("speeds.sql"),
        .embedInCode("timesteps.sql"),
        .embedInCode("training-curves.sql"),
        .embedInCode("training-metrics.sql"),
        .embedInCode("trainings.sql"),
        .embedInCode("trash.sql"),
      ]),
    .target(
      name: "RunStore",
      dependencies: [
        "Records", "Migrations", "Queries", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ]),
    .target(name: "Analysis", dependencies: ["Records"]),
    .executableTarget(
      name: "elbow",
      dependencies: [
        "Analysis", "Evaluation", "RunStore", "Training", "Yams",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ]),

    .testTarget(name: "RecordsTests", dependencies: ["Records"]),
    .testTarget(name: "TensorCoreTests", dependencies: ["TensorCore"], swiftSettings: numeric),
    .testTarget(
      name: "LayersTests", dependencies: ["Layers", "Diffusion"],
      resources: [.copy("Fixtures")], swiftSettings: numeric),
    .testTarget(
      name: "DiffusionTests", dependencies: ["Diffusion"], resources: [.copy("Fixtures")],
      swiftSettings: numeric),
    .testTarget(name: "DatasetsTests", dependencies: ["Datasets"]),
    .testTarget(
      name: "ClassifiersTests", dependencies: ["Classifiers"], resources: [.copy("Fixtures")],
      swiftSettings: numeric),
    .testTarget(
      name: "AttacksTests", dependencies: ["Attacks", "Datasets"], swiftSettings: numeric),
    .testTarget(
      name: "TrainingTests", dependencies: ["Datasets", "Training"], resources: [.copy("Fixtures")],
      swiftSettings: numeric),
    .testTarget(
      name: "RunStoreTests",
      dependencies: [
        "RunStore", "Migrations", "Queries", .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    .testTarget(name: "AnalysisTests", dependencies: ["Analysis"]),
    .testTarget(
      name: "ElbowTests", dependencies: ["elbow", .product(name: "GRDB", package: "GRDB.swift")]),
  ],
  swiftLanguageModes: [.v6]
)
