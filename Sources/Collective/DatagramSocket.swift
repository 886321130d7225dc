internal import Glibc

/// A UDP socket over IPv4 that never blocks: for short messages of which some may be lost.
final class DatagramSocket: Sendable {
    /// Where a socket can be reached.
    struct Address: Hashable, Sendable {
        /// In network order.
        let host: UInt32
        let port: UInt16

        init(host: UInt32, port: UInt16) { (self.host, self.port) = (host, port) }
        init(packed: UInt64) { self.init(host: UInt32(truncatingIfNeeded: packed), port: UInt16(truncatingIfNeeded: packed >> 32)) }

        var packed: UInt64 { UInt64(port) << 32 | UInt64(host) }
    }

    private let descriptor: Int32
    private let port: UInt16

    /// Nil where the system has none.
    init?() {
        let descriptor = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var name = Self.name(Address(host: 0, port: 0))
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isBound else {
            close(descriptor)
            return nil
        }
        (self.descriptor, port) = (descriptor, name.sin_port)
    }

    deinit { close(descriptor) }

    /// This socket on each of the machine's interfaces.
    var reachableAt: [Address] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        return sequence(first: list) { $0?.pointee.ifa_next }.prefix { $0 != nil }.compactMap { entry in
            guard let name = entry?.pointee.ifa_addr, name.pointee.sa_family == sa_family_t(AF_INET) else { return nil }
            return name.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { Address(host: $0.pointee.sin_addr.s_addr, port: port) }
        }
    }

    static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "?" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Until there is something to receive, or so long.
    func wait(seconds: Double) {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = Glibc.poll(&request, 1, Int32(seconds * 1000))
    }

    /// What does not leave is lost.
    func send(_ bytes: [UInt8], to address: Address) {
        var name = Self.name(address)
        _ = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// The next message and its sender; nil when none is here.
    func receive() -> (bytes: [UInt8], sender: Address)? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        var name = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { recvfrom(descriptor, &bytes, bytes.count, 0, $0, &size) }
        }
        guard count >= 0 else { return nil }
        return (Array(bytes.prefix(count)), Address(host: name.sin_addr.s_addr, port: name.sin_port))
    }

    private static func name(_ address: Address) -> sockaddr_in {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = address.port
        name.sin_addr = in_addr(s_addr: address.host)
        return name
    }
}
