// swift-tools-version: 6.1
import Foundation
import PackageDescription

/// The program holds Swift's library, so that it runs, and can be copied, where there is no Swift.
///
/// Tests must not depend on the program's target: the library of the testing framework is another.
let standalone: [LinkerSetting] = [
  .unsafeFlags(
    [
      "-static-stdlib", "-lCoreFoundation", "-l_FoundationICU", "-l_FoundationCShims",
      "-l_FoundationCollections", "-lstdc++",
    ], .when(platforms: [.linux]))
]

/// Tests of a target.
func tests(_ name: String, _ dependencies: [Target.Dependency], fixtures: Bool = false) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, resources: fixtures ? [.copy("Fixtures")] : nil)
}

// What the products hold; each can be imported by itself, or all of it by the product's name.
let store = ["Basics", "Queries", "Records", "RunStore"]
let analysis = ["Reporting", "Statistics"]
let experiments = [
  "Attacks", "Classifiers", "Datasets", "Engines", "Evaluation", "Experiments", "Networks",
  "Training",
]

/// The module that re-exports what a product holds.
///
/// They lie in a folder of their own, and the program's module is not called `elbow`, since file
/// systems of macOS take `elbow` and `Elbow` for one.
func product(_ name: String, _ dependencies: [String]) -> Target {
  .target(
    name: name, dependencies: dependencies.map { .byName(name: $0) },
    path: "Sources/Products/\(name)")
}

let grdb: [Target.Dependency] = [
  .product(name: "GRDB", package: "GRDB.swift"),
  .product(name: "GRDBSQLite", package: "GRDB.swift"),
]
let arguments = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "elbow",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "elbow", targets: ["ElbowCommand"]),
    // Records and queries.
    .library(name: "ElbowStore", targets: ["ElbowStore"] + store),
    .library(name: "ElbowAnalysis", targets: ["ElbowAnalysis"] + analysis),
    // All of it, experiments included.
    .library(name: "Elbow", targets: ["Elbow"] + store + analysis + experiments),
  ],
  dependencies: [
    // Exact, and recorded with every run: a run names the code that made it.
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    // `swift package generate-documentation`; builds nothing unless it is asked to.
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", exact: "1.5.0"),
  ],
  targets: [
    .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    // Numbers.
    .target(name: "CKernels"),
    .target(name: "Basics"),
    .target(name: "Records", dependencies: ["Basics"]),
    .target(name: "TensorCore", dependencies: ["Basics", "CKernels"]),
    .target(name: "Layers", dependencies: ["Basics", "CKernels", "TensorCore"]),
    .target(
      name: "Networks", dependencies: ["Basics", "Layers", "Records", "TensorCore"],
      resources: [.copy("Models")]),

    // Method.
    .target(name: "Datasets", dependencies: ["Basics", "CZlib", "Records", "TensorCore"]),
    .target(
      name: "Classifiers",
      dependencies: ["Basics", "CKernels", "Networks", "Records", "Statistics", "TensorCore"]),
    .target(
      name: "Engines",
      dependencies: ["Basics", "Classifiers", "Networks", "Records", "Statistics", "TensorCore"],
      resources: [.embedInCode("serve.py")]),
    .target(name: "Attacks", dependencies: ["Basics", "Classifiers", "Records", "TensorCore"]),
    .target(
      name: "Training",
      dependencies: [
        "Attacks", "Basics", "Classifiers", "Datasets", "Layers", "Networks", "Records",
        "TensorCore",
      ]),
    .target(
      name: "Evaluation",
      dependencies: [
        "Attacks", "Basics", "Classifiers", "Datasets", "Engines", "Networks", "Records",
        "TensorCore",
      ]),

    // Store and statistics.
    .target(
      name: "Migrations", path: "Migrations", sources: ["Migrations.swift", "Views.swift"],
      resources: [
        .embedInCode("V0001__runs.sql"),
        .embedInCode("V0002__trainings.sql"),
        .embedInCode("V0003__classifiers.sql"),
        .embedInCode("V0004__replays.sql"),
        .embedInCode("V0005__lifecycle.sql"),
        .embedInCode("V0006__speed.sql"),
        .embedInCode("V0007__room.sql"),
        .embedInCode("V0008__questions.sql"),
        .embedInCode("V0009__checksums.sql"),
        .embedInCode("V0010__redraws.sql"),
        .embedInCode("V0011__energy.sql"),
        .embedInCode("V0012__places.sql"),
        .embedInCode("V0013__robust_totals.sql"),
        .embedInCode("Views"),
      ]),
    .target(
      name: "Queries", dependencies: ["Basics"], path: "Queries",
      sources: ["Queries.swift", "QueryHandle.swift"],
      resources: [
        .embedInCode("accuracy-by-epsilon.sql"),
        .embedInCode("accuracy-cost.sql"),
        .embedInCode("answers.sql"),
        .embedInCode("attack-summary.sql"),
        .embedInCode("broken-by.sql"),
        .embedInCode("certificates.sql"),
        .embedInCode("class-elbos.sql"),
        .embedInCode("classes.sql"),
        .embedInCode("code-changes.sql"),
        .embedInCode("comparison.sql"),
        .embedInCode("configurations.sql"),
        .embedInCode("confusion.sql"),
        .embedInCode("dependants.sql"),
        .embedInCode("diff.sql"),
        .embedInCode("evidence.sql"),
        .embedInCode("evidence-image.sql"),
        .embedInCode("flips.sql"),
        .embedInCode("groups.sql"),
        .embedInCode("pareto-front.sql"),
        .embedInCode("hardest.sql"),
        .embedInCode("health.sql"),
        .embedInCode("inconsistencies.sql"),
        .embedInCode("losses.sql"),
        .embedInCode("metric-curves.sql"),
        .embedInCode("metric-points.sql"),
        .embedInCode("metric-series.sql"),
        .embedInCode("paired-robust-each.sql"),
        .embedInCode("paired-robust.sql"),
        .embedInCode("paired.sql"),
        .embedInCode("pareto.sql"),
        .embedInCode("precedents.sql"),
        .embedInCode("predictions.sql"),
        .embedInCode("provenance.sql"),
        .embedInCode("replays.sql"),
        .embedInCode("robustness-attacks.sql"),
        .embedInCode("robustness.sql"),
        .embedInCode("run.sql"),
        .embedInCode("runs.sql"),
        .embedInCode("sessions.sql"),
        .embedInCode("speeds.sql"),
        .embedInCode("threat-models.sql"),
        .embedInCode("timesteps.sql"),
        .embedInCode("training-curves.sql"),
        .embedInCode("training-metrics.sql"),
        .embedInCode("trainings.sql"),
        .embedInCode("transfer.sql"),
        .embedInCode("trash.sql"),
      ]),
    .target(
      name: "RunStore",
      dependencies: ["Basics", "CSQLite", "Migrations", "Queries", "Records", "Statistics"] + grdb),
    .target(name: "Statistics", dependencies: ["Basics"]),
    .target(
      name: "Reporting",
      dependencies: ["Basics", "CZlib", "Queries", "Records", "RunStore", "Statistics"]),

    // Experiments and the face.
    .target(name: "Packaging", dependencies: ["Basics"]),
    .target(
      name: "Experiments",
      dependencies: [
        "Attacks", "Basics", "Classifiers", "Datasets", "Engines", "Evaluation", "Networks",
        "Queries", "Records", "Reporting", "RunStore", "Statistics", "TensorCore", "Training",
        "Yams",
      ],
      resources: [.embedInCode("Python"), .embedInCode("Ingest/ingest.schema.json")]),
    .target(
      name: "Trackers",
      dependencies: [
        "Basics", "Experiments", "Queries", "Records", "Reporting", "RunStore", "Yams",
      ]),
    .target(
      name: "Pages",
      dependencies: [
        "Basics", "Classifiers", "Datasets", "Evaluation", "Experiments", "Queries", "Records",
        "Reporting", "RunStore", "Statistics",
      ], resources: [.embedInCode("Assets")]),
    .target(
      name: "Benchmarks",
      dependencies: [
        "Basics", "CKernels", "Classifiers", "Engines", "Evaluation", "Experiments", "Networks",
        "Queries", "Records", "Reporting", "RunStore", "TensorCore", "Training",
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ], resources: [.embedInCode("peers.py")]),
    .executableTarget(
      name: "ElbowCommand",
      dependencies: [
        "Attacks", "Basics", "Benchmarks", "Classifiers", "Datasets", "Engines", "Evaluation",
        "Experiments", "Networks", "Packaging", "Pages", "Queries", "Records",
        "Reporting",
        "RunStore",
        "Statistics", "TensorCore", "Trackers", "Training", arguments,
      ], path: "Sources/elbow", linkerSettings: standalone),

    product("ElbowStore", store),
    product("ElbowAnalysis", analysis),
    product("Elbow", ["ElbowAnalysis", "ElbowStore"] + experiments),

    // What several suites use: the built program, temporary files, runs to record.
    .target(
      name: "TestSupport",
      dependencies: [
        "Basics", "Migrations", "Records", "RunStore",
        .product(name: "GRDB", package: "GRDB.swift"),
      ], path: "Tests/TestSupport"),
    tests("RecordsTests", ["Basics", "Records"]),
    tests("TensorCoreTests", ["CKernels", "TensorCore"]),
    tests(
      "LayersTests", ["Basics", "Layers", "Networks", "TensorCore"], fixtures: true),
    tests(
      "NetworksTests",
      ["Basics", "Layers", "Networks", "Records", "TensorCore", "TestSupport"], fixtures: true),
    tests("DatasetsTests", ["Basics", "Datasets", "Records", "TensorCore", "TestSupport"]),
    tests(
      "ClassifiersTests",
      ["Basics", "Classifiers", "Networks", "Records", "Statistics", "TensorCore"],
      fixtures: true),
    tests(
      "EnginesTests",
      ["Basics", "Classifiers", "Engines", "Networks", "Records", "TensorCore", "TestSupport"]),
    tests(
      "AttacksTests",
      ["Attacks", "Basics", "Classifiers", "Datasets", "Networks", "Records", "TensorCore"]),
    tests(
      "TrainingTests",
      [
        "Attacks", "Basics", "Classifiers", "Datasets", "Layers", "Networks", "Records",
        "TensorCore", "TestSupport", "Training",
      ], fixtures: true),
    tests(
      "RunStoreTests",
      ["Basics", "Migrations", "Queries", "Records", "RunStore", "TestSupport"] + grdb,
      fixtures: true),
    tests(
      "PagesTests",
      ["Basics", "Experiments", "Pages", "Records", "RunStore", "TestSupport"] + grdb),
    tests(
      "TrackersTests",
      [
        "Basics", "Experiments", "Records", "RunStore", "TestSupport", "Trackers",
        .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    tests("ReportingTests", ["Basics", "Records", "Reporting", "RunStore", "Statistics"]),
    tests(
      "ExperimentsTests",
      [
        "Basics", "Evaluation", "Experiments", "Records", "Reporting", "RunStore", "Statistics",
        "TestSupport", "Training", .product(name: "GRDB", package: "GRDB.swift"),
      ], fixtures: true),
    tests(
      "FuzzTests",
      [
        "Basics", "Classifiers", "Datasets", "Evaluation", "Experiments", "Networks", "Records",
        "Reporting", "RunStore", "TestSupport", "Trackers", "Training",
        .product(name: "GRDB", package: "GRDB.swift"),
      ], fixtures: true),
    tests(
      "ElbowTests",
      [
        "Basics", "Engines", "Experiments", "Packaging", "Records", "RunStore", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
