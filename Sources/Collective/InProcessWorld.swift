/// What the virtual ranks of one process share: one lock, who has left, and why the work ended if it did.
final class InProcessWorld: @unchecked Sendable {
    let monitor = Monitor()
    private let count: Int
    /// How many ranks wait since the last change, and how many changes there were.
    private var (waiting, changes) = (0, 0)
    /// The rank that failed first and what it said. Read and written under the lock, as all that follows.
    private(set) var failure: (rank: Int, reason: String)?
    private(set) var departed: Set<Int> = []

    /// - Parameter count: of ranks, each of which has one thread.
    init(count: Int) { self.count = count }

    /// Gives up the lock until something has changed. The last rank to begin waiting does not: nobody is left to change anything.
    func wait(_ operation: CollectiveError.Operation, rank: Int) throws(CollectiveError) {
        waiting += 1
        guard waiting < count - departed.count else {
            waiting -= 1
            throw CollectiveError(operation, rank: rank, .neverCompletes("every rank that has not ended waits for another"))
        }
        // A thread may wake without a reason, and is counted once.
        let seen = changes
        while changes == seen { monitor.wait() }
    }

    /// Lets those who wait look again.
    func wakeAll() {
        (waiting, changes) = (0, changes + 1)
        monitor.wakeAll()
    }

    /// Makes every blocked or later call of the other ranks throw. The first reason stays.
    func fail(rank: Int, reason: String) {
        monitor.locked {
            if failure == nil { failure = (rank, reason) }
            wakeAll()
        }
    }

    /// A rank whose work is over: whoever waits for it waits in vain.
    func depart(_ rank: Int) {
        monitor.locked {
            departed.insert(rank)
            wakeAll()
        }
    }
}

/// What the members of one group share: messages that wait to be received, and collective calls under way.
final class InProcessGroup: @unchecked Sendable {
    struct Route: Hashable { let from, to, tag: Int }

    /// What one rank brings to a collective call.
    enum Contribution {
        case nothing
        case integers([Int64])
        case floats([Float])
        case bytes([UInt8])
    }

    /// One collective call: complete when everybody has contributed, forgotten when everybody has taken the result.
    struct Round {
        /// What the first caller called; the others must call the same.
        let call: String
        var contributions: [Contribution?]
        var arrived = 0
        var taken = 0
        var result: [Contribution] = []
        var subgroup: InProcessGroup?
    }

    struct Broadcast {
        let root: Int
        var bytes: [UInt8]?
        var taken = 0
    }

    let world: InProcessWorld
    /// World ranks of the members, by rank in this group.
    let members: [Int]
    var mailbox: [Route: Mailbox<[UInt8]>] = [:]
    var rounds: [Int: Round] = [:]
    var broadcasts: [Int: Broadcast] = [:]

    init(world: InProcessWorld, members: [Int]) {
        self.world = world
        self.members = members
    }
}

/// First in, first out, without moving what stays.
struct Mailbox<Element> {
    private var elements: [Element?] = []
    private var head = 0

    var first: Element? { head < elements.count ? elements[head] : nil }
    var count: Int { elements.count - head }
    subscript(position: Int) -> Element {
        get { elements[head + position]! }
        set { elements[head + position] = newValue }
    }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func removeFirst() -> Element? {
        guard head < elements.count, let element = elements[head] else { return nil }
        elements[head] = nil
        head += 1
        if head == elements.count {
            (elements, head) = ([], 0)
        } else if head >= 1024 {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }
}
