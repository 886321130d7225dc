import Foundation

/// A connection to a port of this machine, as a client has it who sends what he likes.
final class HTTPClient {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(port)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Program.Failure(text: "nothing listens at port \(port)") }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func request(_ target: String, method: String = "GET", host: String = "127.0.0.1", isLast: Bool = true) {
        let text = "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n\(isLast ? "Connection: close\r\n" : "")\r\n"
        let bytes = Array(text.utf8)
        _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// All that comes until the other side closes.
    func answer() -> String {
        var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }

    /// One request and its answer.
    static func get(_ target: String, at port: Int, method: String = "GET", host: String = "127.0.0.1") throws -> String {
        let client = try HTTPClient(port: port)
        client.request(target, method: method, host: host)
        return client.answer()
    }

    static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        return address
    }
}

/// A port of this machine that somebody listens on.
final class TakenPort {
    let number: Int
    private let descriptor: Int32

    init() throws {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        descriptor = socket
        var (address, size) = (HTTPClient.loopback(0), socklen_t(MemoryLayout<sockaddr_in>.size))
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(socket, address, size) == 0 && listen(socket, 1) == 0 ? getsockname(socket, address, &size) : -1
            }
        }
        guard status == 0 else { throw Program.Failure(text: "no port can be had") }
        number = Int(in_port_t(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }
}
