// What `import ElbowStore` brings: values, files of runs, nothing that computes.
//
// `public import` makes names visible to this target alone; re-exporting them has no official spelling
// yet. This one is what Foundation, SwiftNIO and Swift Collections are put together with.
@_exported import Basics
@_exported import Queries
@_exported import Records
@_exported import RunStore
