import CKernels
import TensorCore

/// The lines of some images' maps, one image after the other with lines of zeros between, in groups that are
/// convolved at once: whatever lies above and below a line, of the map or zeros, lies one line away.
struct LineGroups {
  /// Lines of zeros between images: those that a filter reaches above and below.
  let gap: Int
  /// Lines of the largest group.
  let most: Int
  private let height: Int
  private let images: Int
  private let count: Int

  /// Splits the lines of a map of outputs.
  ///
  /// - Parameters:
  ///   - map: of outputs.
  ///   - gap: lines of zeros between images.
  ///   - bytes: of one line's operand; those of a group stay in a core's cache beside weights and products.
  init(_ map: FeatureMap, gap: Int, bytes: Int) {
    (self.gap, height, images) = (gap, map.height, map.images)
    count = images * (height + gap) - gap
    let fitting = max(1, Processor.cache / 3 / bytes - 2 * gap)
    let groups = (count + fitting - 1) / fitting
    most = (count + groups - 1) / groups
  }

  /// Calls `body` with each group's lines.
  @inline(__always)
  func forEach(_ body: (_ group: Range<Int>) -> Void) {
    for first in stride(from: 0, to: count, by: most) {
      body(first..<min(count, first + most))
    }
  }

  /// Where a line lies; nil: it is zeros.
  @inline(__always)
  func place(of line: Int) -> (image: Int, row: Int)? {
    guard line >= 0 else { return nil }
    let (image, row) = line.quotientAndRemainder(dividingBy: height + gap)
    return image < images && row < height ? (image, row) : nil
  }

  /// Calls `body` with each of a group's lines that is no zeros: its number in the group, and where the
  /// results of a panel of outputs go.
  @inline(__always)
  func forEachOutput(
    of group: Range<Int>, _ y: FeatureMap, from channel: Int, start: ChannelValues?,
    addend: FeatureMap?, scale: Float,
    _ body: (_ index: Int, _ start: UnsafePointer<Float>?, _ output: inout kernel_output) -> Void
  ) {
    for line in group {
      guard let (image, row) = place(of: line) else { continue }
      var output = kernel_output(
        c: y[image].row(row) + channel, c_line: y.rowStride, c_row: y.stride,
        addend: addend.map { UnsafePointer($0[image].row(row) + channel) },
        addend_line: addend?.rowStride ?? 0, addend_row: addend?.stride ?? 0, scale: scale)
      body(line - group.lowerBound, start.map { $0[image] + channel }, &output)
    }
  }
}
