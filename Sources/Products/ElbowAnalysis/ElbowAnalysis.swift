// What `import ElbowAnalysis` brings: statistics, and comparisons, tables and figures of recorded runs.
@_exported import Reporting
@_exported import Statistics
