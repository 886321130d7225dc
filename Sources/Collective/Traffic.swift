/// Bytes that a rank has received from others, in all its groups, by what brought them. Sums and maxima of a few numbers are not counted.
package struct Traffic: Sendable, Equatable {
    /// By `send`.
    package var messages = 0
    package var broadcasts = 0
    /// Everybody's bytes.
    package var gathered = 0
    /// By `sendReceive`, and as parts of floats: what a sum over ranks exchanges.
    package var exchanged = 0

    package init() {}
}
