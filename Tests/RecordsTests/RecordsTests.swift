import Basics
import Foundation
import Records
import Testing

@Suite struct SHA256Tests {
  /// The vectors of FIPS 180-4's examples and NIST's long message.
  @Test func knownVectors() {
    #expect(
      SHA256.hexDigest(of: "")
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      SHA256.hexDigest(of: "abc")
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      SHA256.hexDigest(of: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      SHA256.hexDigest(of: [UInt8](repeating: 0x61, count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func piecesDoNotMatter() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    for size in [1, 55, 56, 63, 64, 65, 128, 999] {
      var hash = SHA256()
      for start in stride(from: 0, to: bytes.count, by: size) {
        hash.update(Array(bytes[start..<min(start + size, bytes.count)]))
      }
      #expect(hash.hexDigest() == SHA256.hexDigest(of: bytes))
    }
  }
}

@Suite struct CanonicalJSONTests {
  /// Numbers of RFC 8785, appendix B.
  @Test(arguments: [
    (0.0, "0"), (-0.0, "0"), (Double.leastNonzeroMagnitude, "5e-324"),
    (-Double.leastNonzeroMagnitude, "-5e-324"),
    (1.7976931348623157e308, "1.7976931348623157e+308"), (9007199254740992, "9007199254740992"),
    (295147905179352825856, "295147905179352830000"),
    (9.999999999999997e22, "9.999999999999997e+22"),
    (1e23, "1e+23"), (1.0000000000000001e23, "1.0000000000000001e+23"),
    (999999999999999737856, "999999999999999700000"), (1e21, "1e+21"),
    (9.999999999999997e-7, "9.999999999999997e-7"), (0.000001, "0.000001"), (0.1, "0.1"),
    (333333333.3333332, "333333333.3333332"),
    (-0.0000033333333333333333, "-0.0000033333333333333333"),
    (1424953923781206.2, "1424953923781206.2"), (100, "100"), (1.5, "1.5"),
  ])
  func numbers(value: Double, text: String) {
    #expect(JSONValue.canonical(number: value) == text)
  }

  /// Section 3.2.3: keys sort by UTF-16 code units; 3.2.2.2: escapes.
  @Test func keysAndEscapes() {
    let value = JSONValue.object([
      "\u{20ac}": .number(1), "\r": .number(2), "\u{fb33}": .number(3), "1": .number(4),
      "\u{1f600}": .number(5), "\u{80}": .number(6), "\u{f6}": .number(7),
    ])
    #expect(
      value.canonical
        == "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}"
    )
    #expect(
      JSONValue.array([.string("\u{f}\n\\\"/"), .null, .bool(true)]).canonical
        == "[\"\\u000f\\n\\\\\\\"/\",null,true]")
  }
}

@Suite struct ConfigurationTests {
  /// The fingerprint names recorded runs: this literal may never change.
  @Test func neutralFieldsAreLeftOut() throws {
    var configuration = Configuration(
      classifier: .dc, model: "abc", grid: "linear:0.0001:3:125", weights: "edm")
    let text = try configuration.canonicalJSON()
    #expect(
      text
        == #"{"classifier":"dc","grid":"linear:0.0001:3:125","model":"abc","schema":1,"weights":"edm"}"#
    )
    #expect(try configuration.fingerprint() == SHA256.hexDigest(of: text))
    configuration.draws = 2
    #expect(try configuration.canonicalJSON().contains(#""draws":2"#))
  }

  @Test func everyFieldSurvivesARoundTrip() throws {
    var configuration = Configuration(
      classifier: .rdc, model: "abc", grid: "log:0.1:3:8", weights: "snr")
    configuration.lmModel = "def"
    configuration.loss = .absolute
    configuration.reduction = .mean
    configuration.logitScale = 0.25
    configuration.prior = [0.25, 0.75]
    configuration.noise = .fresh
    configuration.sharesTimesteps = true
    configuration.antithetic = true
    configuration.draws = 4
    configuration.strategy = "halving:5x10,1x50"
    configuration.lm = LikelihoodMaximization(
      variant: .paper, steps: 5, rate: 0.1, sigmaLow: 0.1, sigmaHigh: 0.5, eta: 8 / 255, momentum: 1
    )
    configuration.precision = .bf16
    let text = try configuration.canonicalJSON()
    #expect(text.contains(#""precision":"bf16""#))
    let decoded = try JSONDecoder().decode(Configuration.self, from: Data(text.utf8))
    #expect(decoded == configuration)
    #expect(try decoded.fingerprint() == configuration.fingerprint())
  }

  /// One word in the JSON, in one spelling; without it the text is that of before.
  @Test func purificationIsOneWord() throws {
    var configuration = Configuration(classifier: .purifyCNN, model: "abc")
    configuration.purification = try Purification("ode:0.340:5")
    let text = try configuration.canonicalJSON()
    #expect(
      text == #"{"classifier":"purify+cnn","model":"abc","purify":"ode:0.34:5","schema":1}"#)
    #expect(
      try JSONDecoder().decode(Configuration.self, from: Data(text.utf8)) == configuration)
    #expect(Purification.usual.spelling == "sde:0.34:10")
    #expect(try Purification("sde:0.60:4:3").spelling == "sde:0.6:4:3")
    #expect(try Purification("sde:0.6:4:1").spelling == "sde:0.6:4")
    for text in [
      "ode", "ode:0.3", "pde:0.3:5", "ode:x:5", "ode:inf:5", "ode:0.3:5:1:1", "ode:0.3:",
      "ode:0.3:5:",
      "ode:0.3:5:x", "denoise:0.3:1",
    ] {
      #expect(throws: ElbowError.self) { try Purification(text) }
    }
  }

  /// One word too, of which τ alone will do; a fraction is its number.
  @Test func smoothingIsOneWord() throws {
    var configuration = Configuration(classifier: .cnn, model: "abc")
    #expect(!configuration.isRandomized)
    configuration.smoothing = try Smoothing("1/4")
    let text = try configuration.canonicalJSON()
    #expect(
      text
        == #"{"classifier":"cnn","model":"abc","randomized_smoothing":"0.25:100:1000","schema":1}"#)
    #expect(
      try JSONDecoder().decode(Configuration.self, from: Data(text.utf8)) == configuration)
    #expect(configuration.isRandomized)
    for text in [
      "", "0", "-1", "nan", "inf", "0.25:1", "0.25:0:9", "0.25:9:0", "0.25:1:2:3", "1e9",
    ] {
      #expect(throws: ElbowError.self) { try Smoothing(text) }
    }
    configuration = Configuration(classifier: .purifyCNN, model: "abc")
    #expect(configuration.isRandomized)
    configuration.purification = try Purification("denoise:0.5")
    #expect(!configuration.isRandomized)
  }

  /// A classifier that weighs no losses names nothing of them.
  @Test func networksHaveNoGrid() throws {
    let configuration = Configuration(classifier: .cnn, model: "abc")
    let text = try configuration.canonicalJSON()
    #expect(text == #"{"classifier":"cnn","model":"abc","schema":1}"#)
    let decoded = try JSONDecoder().decode(Configuration.self, from: Data(text.utf8))
    #expect(decoded == configuration)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(
        Configuration.self, from: Data(text.replacing("cnn", with: "dc").utf8))
    }
  }

  @Test func fractionsAreReadAsPeopleWriteThem() {
    #expect(Fraction.parse("8/255") == 8.0 / 255 && Fraction.parse("0.1") == 0.1)
    for text in ["", "1/0", "1/2/3", "a/b", "/2"] { #expect(Fraction.parse(text) == nil) }
  }

  @Test func unknownFieldsAndSchemasAreRefused() {
    for text in [
      #"{"schema":1,"classifier":"dc","model":"a","grid":"g","weights":"w","colour":1}"#,
      #"{"schema":2,"classifier":"dc","model":"a","grid":"g","weights":"w"}"#,
    ] {
      #expect(throws: ElbowError.self) {
        try JSONDecoder().decode(Configuration.self, from: Data(text.utf8))
      }
    }
  }
}

@Suite struct NamesTests {
  @Test func identifiersSortByTime() {
    let date = Date(timeIntervalSince1970: 1_700_000_000)
    let ids =
      (0..<1000).map { _ in ULID.make(at: date) } + [ULID.make(at: date.addingTimeInterval(1))]
    #expect(ids == ids.sorted())
    #expect(Set(ids).count == ids.count)
    #expect(ids.allSatisfy { $0.count == 26 })
    // Lists show ten characters.
    #expect(Set(ids.map { $0.prefix(10) }).count == ids.count)
  }

  @Test func suggestions() {
    let names = ["accuracy", "epsilon", "strategy"]
    #expect(suggestion(for: "acuracy", among: names) == "accuracy")
    #expect(suggestion(for: "stratgey", among: names) == "strategy")
    #expect(suggestion(for: "eps", among: names) == "epsilon")
    #expect(suggestion(for: "zzz", among: names) == nil)
    #expect(didYouMean("epsilom", among: names) == "; did you mean 'epsilon'?")
  }
}
