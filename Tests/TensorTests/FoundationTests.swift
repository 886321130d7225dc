import Testing

@testable import Tensor

@Suite("tensors, threads and families")
struct TensorFoundationTests {
    @Test("a tensor is aligned, zeroed and row-major")
    func tensor() {
        let tensor = FloatTensor(3, 5)
        #expect(UInt(bitPattern: tensor.base) % 64 == 0 && tensor.array == [Float](repeating: 0, count: 15))
        #expect(tensor.shape == Shape(3, 5) && "\(tensor.shape)" == "[3, 5]")
        let values = FloatTensor([1, 2, 3, 4], shape: Shape(2, 2))
        #expect(values.array == [1, 2, 3, 4])
        values.zero()
        #expect(values.array == [0, 0, 0, 0])
    }

    @Test("ranges cover the work once, whatever threads and grain", arguments: [1, 2, 3])
    func ranges(_ threads: Int) {
        for count in [0, 1, 2, 7, 100] {
            for grain in [1, 3, 1000] {
                let touched = FloatTensor(max(count, 1))
                Parallel(threads: threads).forEach(count, grain: grain) { part in
                    for i in part { touched.base[i] += 1 }
                }
                #expect(touched.array.prefix(count).allSatisfy { $0 == 1 })
            }
        }
    }

    @Test("a family is selected by a name that this processor has")
    func families() {
        #expect(KernelFamily.selectable().first == .portable)
        #expect(KernelFamily.selectable(named: "portable") == .portable)
        #expect(KernelFamily.selectable(named: "avx1024") == nil)
    }
}
