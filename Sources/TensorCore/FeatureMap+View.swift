package import CKernels

/// Channel counts are padded to a multiple of this in feature maps, whatever the registers hold.
public let channelAlignment = 16

/// `count` rounded up to a multiple of `channelAlignment`.
@inlinable
public func aligned(_ count: Int) -> Int {
  (count + channelAlignment - 1) / channelAlignment * channelAlignment
}

extension FeatureMap {
  /// The map as the inner loops take it.
  package var view: kernel_map {
    kernel_map(
      first: row(0), images: images, height: height, width: width, stride: stride, row: rowStride,
      image: imageStride)
  }

  /// The map as the inner loops take it, its pixels beginning at `channel`.
  package func view(from channel: Int) -> kernel_map {
    var view = view
    view.first? += channel
    return view
  }
}

extension kernel_map {
  /// No map, where one is optional.
  package static var none: kernel_map {
    kernel_map(first: nil, images: 0, height: 0, width: 0, stride: 0, row: 0, image: 0)
  }
}
