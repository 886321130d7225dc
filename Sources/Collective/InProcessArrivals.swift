/// Messages of anyone.
extension InProcessCommunicator {
    package func receiveArrived(tag: Int) throws(CollectiveError) -> ReceivedMessage? {
        requireValid(peer: rank, tag: tag, size: size, .receive)
        return try world.monitor.locked { () throws(CollectiveError) in
            try throwIfLost(.receive, peer: nil)
            return takeMessage(tag: tag)
        }
    }

    package func receiveAny(tag: Int) throws(CollectiveError) -> ReceivedMessage {
        requireValid(peer: rank, tag: tag, size: size, .receive)
        return try world.monitor.locked { () throws(CollectiveError) in
            while true {
                try throwIfLost(.receive, peer: nil)
                if let message = takeMessage(tag: tag) { return message }
                guard size > 1 else { throw selfReceive(rank: rank, tag: tag) }
                let others = group.members.filter { $0 != worldRank }
                guard !others.allSatisfy(world.departed.contains) else {
                    let ends = others.map { "rank \($0) has ended its work" }.joined(separator: ", ")
                    throw CollectiveError(.receive, rank: rank, .neverCompletes(ends))
                }
                try world.wait(.receive, rank: rank)
            }
        }
    }

    /// The first message with this tag; under the lock.
    private func takeMessage(tag: Int) -> ReceivedMessage? {
        for source in sourcesInTurn(after: lastServed, of: size) {
            let route = InProcessGroup.Route(from: source, to: rank, tag: tag)
            guard let bytes = group.mailbox[route]?.removeFirst() else { continue }
            lastServed = source
            if source != rank { received.messages += bytes.count }
            return ReceivedMessage(source: source, bytes: bytes)
        }
        return nil
    }
}
