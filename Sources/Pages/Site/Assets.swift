/// The files that pages need: they travel within the program.
enum Assets {
  private static let files: [String: (type: String, bytes: [UInt8])] = [
    "page.css": ("text/css; charset=utf-8", PackageResources.page_css),
    "page.js": ("text/javascript; charset=utf-8", PackageResources.page_js),
    "icon.svg": ("image/svg+xml", PackageResources.icon_svg),
  ]

  /// The file at a path; nil where there is none.
  static func response(_ path: [String]) -> Response? {
    guard path.count == 1, let file = files[path[0]] else { return nil }
    return Response(type: file.type, file.bytes)
  }
}
