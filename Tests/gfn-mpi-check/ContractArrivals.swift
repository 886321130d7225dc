import Collective

extension Contract {
    /// The promises about messages of anyone.
    static let arrivals = [
        ContractCheck("messages from anyone come each once, those of one source in order and as far as they have the tag") { group in
            let count = 40
            for number in 0..<count {
                try group.send(pattern(number * 90, seed: group.rank) + [UInt8(number)], to: 0, tag: 11)
                try group.send([255], to: 0, tag: 12)
            }
            guard group.rank == 0 else { return }
            var next = [Int](repeating: 0, count: group.size)
            for turn in 0..<(count * group.size) {
                var message: ReceivedMessage?
                // Waiting and looking take from the same messages.
                if turn % 2 == 0 { message = try group.receiveAny(tag: 11) }
                while message == nil { message = try group.receiveArrived(tag: 11) }
                guard let message else { return }
                let number = next[message.source]
                try expect(
                    message.bytes == pattern(number * 90, seed: message.source) + [UInt8(number)], "message \(number) of \(message.source)")
                next[message.source] += 1
            }
            try expect(next.allSatisfy { $0 == count }, "\(next)")
            try expect(group.receiveArrived(tag: 11) == nil, "one more message")
            for source in 0..<group.size {
                for _ in 0..<count { try expect(group.receive(from: source, tag: 12) == [255], "the other tag") }
            }
        },
        ContractCheck("looking for a message does not wait, and a source that sends much does not keep the others out") { group in
            try expect(group.receiveArrived(tag: 13) == nil, "a message before any was sent")
            try group.barrier()
            guard group.rank == 0 else {
                for _ in 0..<(group.rank == 1 ? 20 : 1) { try group.send([UInt8(group.rank)], to: 0, tag: 13) }
                try group.send([], to: 0, tag: 14)
                return
            }
            // What came before the word that all is sent is here.
            for source in 1..<max(1, group.size) { _ = try group.receive(from: source, tag: 14) }
            let sources = try (1..<max(1, group.size)).map { _ in try group.receiveAny(tag: 13).source }
            try expect(Set(sources).count == group.size - 1, "the first messages are from \(sources)")
            if group.size > 1 { for _ in 0..<19 { try expect(group.receiveArrived(tag: 13)?.source == 1, "the rest") } }
            try expect(group.receiveArrived(tag: 13) == nil, "one more message")
        },
        ContractCheck("waiting alone for anyone is an error, not a hang") { group in
            guard let alone = try group.subgroup([0]) else { return }
            do {
                _ = try alone.receiveAny(tag: 9)
                throw ContractFailure(description: "received what nobody sent")
            } catch let error as CollectiveError {
                guard case .neverCompletes = error.cause else { throw error }
            }
        },
    ]
}
