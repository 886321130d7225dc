/// Numbers at which arithmetic with lengths and offsets goes wrong.
enum InterestingNumbers {
    private static let fixed: [UInt64] = [
        0, 1, 2, 3, 7, 8, 31, 32, 63, 64, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
        1 << 32, 1 << 33, 1 << 40, 1 << 48, 1 << 53, (1 << 53) + 1, 1 << 56, 1 << 59, 1 << 60, 1 << 61, (1 << 61) + 1, 1 << 62,
        (1 << 63) - 1, 1 << 63, (1 << 63) + 1, .max, .max - 1, .max - 7, .max - 31, .max / 3, .max / 4 + 1,
    ]

    /// One to stand where `current` stood, in a file of `size` bytes of which `remaining` come after.
    static func pick(near current: UInt64, size: Int, remaining: Int, using random: inout FuzzRandom) -> UInt64 {
        switch random.below(8) {
        case 0: current &+ 1
        case 1: current &- 1
        case 2: current &* 2
        case 3: UInt64(size) &+ UInt64(random.below(3)) &- 1
        case 4: UInt64(max(0, remaining)) &+ UInt64(random.below(3)) &- 1
        case 5: UInt64(max(0, remaining)) / random.pick([2, 4, 8, 12, 16, 24])
        default: random.pick(fixed)
        }
    }
}
