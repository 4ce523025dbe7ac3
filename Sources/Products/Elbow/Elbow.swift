// What `import Elbow` brings: the store, the analysis, and everything that experiments are made of.
@_exported import Attacks
@_exported import Classifiers
@_exported import Datasets
@_exported import ElbowAnalysis
@_exported import ElbowStore
@_exported import Evaluation
@_exported import Experiments
@_exported import Networks
@_exported import Training
