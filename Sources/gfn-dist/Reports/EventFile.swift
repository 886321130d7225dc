internal import Foundation

/// A run's scalars as TensorBoard reads them: `events.out.tfevents.*` in the run folder.
///
/// A file is a sequence of records: length, masked CRC-32C of the length, an `Event` message, masked CRC-32C of the message (TensorFlow's
/// record_writer.h and event.proto). Code of our own: seven fields of three messages need no generated code, and swift-protobuf's plugin takes
/// longer to build than the program.
final class EventFile {
    private let path: String
    private let handle: FileHandle

    /// Makes a new file in `folder`. A run that goes on at `firstStep` says so, and TensorBoard drops what earlier files have of later steps.
    init(folder: String, firstStep: Int, now: Date = Date()) throws(RunError) {
        let host = ProcessInfo.processInfo.hostName.filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "." }
        let name = "events.out.tfevents.\(Int(now.timeIntervalSince1970)).\(host).\(getpid()).0"
        path = folder + "/" + name
        guard FileManager.default.createFile(atPath: path, contents: nil), let handle = FileHandle(forWritingAtPath: path) else {
            throw .inputOutput("\(path) could not be made")
        }
        self.handle = handle
        var bytes = Self.record(Self.event(at: now) { $0.add(3, text: "brain.Event:2") })
        if firstStep > 0 {
            // SessionLog with status START.
            bytes += Self.record(Self.event(at: now, step: firstStep + 1) { $0.add(7, message: [0x08, 0x01]) })
        }
        try write(bytes)
    }

    /// Adds one event with these scalars. What is no finite number is left out, as in `metrics.jsonl`.
    func add(_ scalars: [(tag: String, value: Double)], step: Int, now: Date = Date()) throws(RunError) {
        var summary = ProtobufMessage()
        for (tag, value) in scalars where value.isFinite {
            var scalar = ProtobufMessage()
            scalar.add(1, text: tag)
            scalar.add(2, float: Float(value))
            summary.add(1, message: scalar.bytes)
        }
        try write(Self.record(Self.event(at: now, step: step) { $0.add(5, message: summary.bytes) }))
    }

    private func write(_ bytes: [UInt8]) throws(RunError) {
        do { try handle.write(contentsOf: Data(bytes)) } catch {
            throw .inputOutput("\(path) could not be written (\(error.localizedDescription))")
        }
    }

    private static func event(at time: Date, step: Int = 0, _ content: (inout ProtobufMessage) -> Void) -> [UInt8] {
        var event = ProtobufMessage()
        event.add(1, double: time.timeIntervalSince1970)
        if step != 0 { event.add(2, integer: step) }
        content(&event)
        return event.bytes
    }

    static func record(_ message: [UInt8]) -> [UInt8] {
        func littleEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
        let length = littleEndian(UInt64(message.count))
        return length + littleEndian(CRC32C.masked(length)) + message + littleEndian(CRC32C.masked(message))
    }
}

/// Fields of a Protocol Buffers message, one after the other.
struct ProtobufMessage {
    private(set) var bytes: [UInt8] = []

    private enum Wire: UInt64 { case varint = 0, fixed64 = 1, length = 2, fixed32 = 5 }

    private mutating func key(_ field: UInt64, _ wire: Wire) { varint(field << 3 | wire.rawValue) }

    private mutating func varint(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }

    mutating func add(_ field: UInt64, integer value: Int) {
        key(field, .varint)
        varint(UInt64(bitPattern: Int64(value)))
    }
    mutating func add(_ field: UInt64, double value: Double) {
        key(field, .fixed64)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }
    mutating func add(_ field: UInt64, float value: Float) {
        key(field, .fixed32)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }
    mutating func add(_ field: UInt64, text: String) { add(field, message: Array(text.utf8)) }
    mutating func add(_ field: UInt64, message: [UInt8]) {
        key(field, .length)
        varint(UInt64(message.count))
        bytes += message
    }
}

/// The cyclic redundancy check of RFC 3720 (Castagnoli).
enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82f6_3b78 : value >> 1 }
    }

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
    }

    /// As records have it, so that a checksum of data with checksums in it means something.
    static func masked(_ bytes: [UInt8]) -> UInt32 {
        let value = checksum(bytes)
        return (value >> 15 | value << 17) &+ 0xa282_ead8
    }
}
