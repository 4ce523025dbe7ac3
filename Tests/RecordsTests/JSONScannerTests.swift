import Basics
import Foundation
import Testing

/// The scanner takes what JSONDecoder takes, as it takes it, and says no to the rest.
struct JSONScannerTests {
  /// What the scanner alone makes of a text.
  private func scanned(_ text: String) -> JSONValue? {
    (Array(text.utf8) + [0x0A]).withUnsafeBufferPointer { bytes in
      var scanner = JSONScanner(.init(rebasing: bytes.dropLast()))
      guard let value = scanner.value(), scanner.isAtEnd else { return nil }
      return value
    }
  }

  private func lenient(_ text: String) -> JSONValue? {
    (Array(text.utf8) + [0x0A]).withUnsafeBufferPointer {
      try? JSONValue(lenient: .init(rebasing: $0.dropLast()))
    }
  }

  @Test(arguments: [
    "{}", "[]", " [ 1 , 2.5 , -3e-4 ] ", "{\"a\":{\"b\":[true,false,null]}}", "\"täglich\"", "0",
    "-0",
    "0.1", "1e23", "123456789012345678901234567890", "4.9e-324", "1.7976931348623157e308", "1e400",
    "9007199254740993", "0.30000000000000004", "2.2250738585072011e-308", "1E+2",
  ])
  func readsAsTheDecoderDoes(_ text: String) throws {
    let expected = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
    // What is no Double, the decoder refuses and the scanner takes for infinite.
    if text == "1e400" {
      #expect(scanned(text) == .number(.infinity))
    } else {
      #expect(scanned(text) == expected && expected != nil)
    }
  }

  @Test func readsEveryDouble() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let value = Double(bitPattern: .random(in: 0...UInt64.max, using: &random))
      guard value.isFinite else { continue }
      let short = (value * 1e6).rounded() / 1e6
      for number in [value, short] where number.isFinite {
        #expect(scanned("\(number)") == .number(number), "\(number)")
      }
    }
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "01", "1.", ".5", "+1", "1e", "-", "tru", "nul",
    "\"a",
    "\"\u{1}\"", "[1 2]", "{} x", "{\"a\":1,\"a\":2}", "\"\\u0041\"",
  ])
  func saysNoToTheRest(_ text: String) { #expect(scanned(text) == nil) }

  @Test func escapesAreReadAllTheSame() {
    #expect(lenient("{\"\\u0061\\n\":\"\\ud83d\\ude00\"}") == .object(["a\n": .string("😀")]))
    guard case .array(let values)? = scanned("[NaN,Infinity,-Infinity]") else {
      Issue.record("Python's names are not read")
      return
    }
    #expect(values.dropFirst() == [.number(.infinity), .number(-.infinity)])
  }

  @Test func depthIsBounded() {
    #expect(scanned(String(repeating: "[", count: 100_000)) == nil)
  }
}
