// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors where the tests run (scripts/test.sh), not on a user's newer compiler.
let isStrict = Context.environment["GFN_STRICT"] != nil

let swiftSettings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + (isStrict ? [.treatAllWarnings(as: .error)] : [])

// The kernels are compiled with optimisation in every configuration: at -O0 they are fifty times slower,
// which would make debug tests useless. Contraction is off, so that a fused multiply-add is written where it is meant.
let kernelSettings: [CSetting] =
    [.unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno", "-Wall", "-Wextra"])]
    + (isStrict ? [.treatAllWarnings(as: .error)] : [])

// The program says which commit it is of (scripts/build.sh names it). Whatever could end the text within C is left out.
let commit = (Context.environment["GFN_COMMIT"] ?? "").filter { $0.isLetter || $0.isNumber || "-._+/".contains($0) }
let versionSettings: [CSetting] = commit.isEmpty ? [] : [.define("GFN_COMMIT", to: "\"\(commit)\"")]

let package = Package(
    name: "gfn-dist",
    products: [
        .executable(name: "gfn-dist", targets: ["gfn-dist"]),
        // Not for use: tests load it into the program to make files fail (scripts/check-faults.sh).
        .library(name: "FileFaults", type: .dynamic, targets: ["CFileFaults"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
    ],
    targets: [
        .systemLibrary(name: "COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        // A dependency of libopenmpi-dev.
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CSignals"),
        .target(name: "CVersion", cSettings: versionSettings),
        .target(name: "CProcesses"),
        .target(name: "Processes", dependencies: ["CProcesses"], swiftSettings: swiftSettings),
        .target(name: "CKernels", cSettings: kernelSettings),
        .target(name: "CDigest", cSettings: kernelSettings),
        .target(name: "Digest", dependencies: ["CDigest"], swiftSettings: swiftSettings),
        .target(name: "Tensor", dependencies: ["CKernels", "COpenBLAS"], swiftSettings: swiftSettings),
        .target(name: "Model", dependencies: ["Tensor", "Digest"], swiftSettings: swiftSettings),
        .target(
            name: "Collective",
            dependencies: ["COpenMPI", "CSignals", "CZstd", "Digest"], swiftSettings: swiftSettings),
        .target(name: "Problems", dependencies: ["Tensor", "Model", "CZlib", "CZstd"], swiftSettings: swiftSettings),
        .target(name: "Evaluation", dependencies: ["Tensor", "Problems"], swiftSettings: swiftSettings),
        .target(name: "Rollout", dependencies: ["Tensor", "Model", "Collective", "Problems"], swiftSettings: swiftSettings),
        .target(
            name: "Learner",
            dependencies: ["Tensor", "Model", "Collective", "Rollout", "Digest"], swiftSettings: swiftSettings),
        .executableTarget(
            name: "gfn-dist",
            dependencies: [
                "CVersion", "Processes", "Tensor", "Model", "Collective", "Problems", "Evaluation", "Rollout", "Learner", "Yams",
                "FlyingFox",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            resources: [.copy("Resources")],
            swiftSettings: swiftSettings),
        // What only tests and scripts run.
        .target(name: "CAllocationMeter", path: "Tests/CAllocationMeter"),
        .target(name: "CFileFaults", path: "Tests/CFileFaults"),
        .executableTarget(
            name: "gfn-mpi-check", dependencies: ["Collective"], path: "Tests/gfn-mpi-check", swiftSettings: swiftSettings),
        .target(
            name: "Fuzzing", dependencies: ["Processes", "Tensor", "Model", "Collective", "Problems", "Rollout", "Learner"],
            path: "Tests/Fuzzing", swiftSettings: swiftSettings),
        .executableTarget(
            name: "gfn-fuzz",
            dependencies: [
                "Fuzzing", "CAllocationMeter", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/gfn-fuzz", swiftSettings: swiftSettings),
        .target(name: "TestSupport", dependencies: ["Tensor", "Model"], path: "Tests/TestSupport", swiftSettings: swiftSettings),
        .testTarget(name: "TensorTests", dependencies: ["Tensor", "TestSupport"], swiftSettings: swiftSettings),
        .testTarget(
            name: "ModelTests", dependencies: ["Model", "Tensor", "Learner", "CAllocationMeter", "TestSupport"], exclude: ["Fixtures"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "CollectiveTests", dependencies: ["Collective", "Processes", "gfn-mpi-check", "TestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "ProblemsTests", dependencies: ["Problems", "Evaluation", "Model", "Tensor", "Processes", "TestSupport"],
            exclude: ["Fixtures"], swiftSettings: swiftSettings),
        .testTarget(
            name: "EvaluationTests", dependencies: ["Evaluation", "Problems", "TestSupport"], exclude: ["Fixtures"],
            swiftSettings: swiftSettings),
        .testTarget(name: "ProcessesTests", dependencies: ["Processes"], swiftSettings: swiftSettings),
        .testTarget(name: "DigestTests", dependencies: ["Digest", "CDigest"], swiftSettings: swiftSettings),
        .testTarget(
            name: "RolloutTests", dependencies: ["Rollout", "Problems", "Model", "CAllocationMeter", "TestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "LearnerTests", dependencies: ["Learner", "Rollout", "Problems", "Model", "Tensor", "Collective", "TestSupport"],
            exclude: ["Fixtures"], swiftSettings: swiftSettings),
        .testTarget(
            name: "FuzzTests", dependencies: ["gfn-fuzz", "gfn-dist", "Fuzzing", "Processes", "TestSupport"], swiftSettings: swiftSettings),
        .testTarget(
            name: "ProgramTests",
            dependencies: [
                "gfn-dist", "Processes", "Model", "Tensor", "Collective", "Problems", "Evaluation", "Rollout", "Learner", "TestSupport",
            ],
            swiftSettings: swiftSettings),
    ]
)
