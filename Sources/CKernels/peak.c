/// What a core can do at most: instructions on registers alone, reading memory and writing it.
#include "ckernels.h"

uint64_t gfn_read(const uint64_t *words, ptrdiff_t count) {
    uint64_t sum = 0;
    for (ptrdiff_t i = 0; i < count; i++) sum ^= words[i];
    return sum;
}

void gfn_triad(float *sums, const float *left, const float *right, float factor, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) sums[i] = left[i] + factor * right[i];
}

#if defined(__x86_64__)
// Fourteen chains hide the latency of two instructions a cycle. In assembly, because a compiler may spill accumulators, or fold a loop
// whose sums it can foresee. Factors are ones, so that no sum is subnormal or infinite.
enum { chains = 14 };
#define EACH(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13)
#define CLEAR(n) "vxorps %%xmm" #n ", %%xmm" #n ", %%xmm" #n "\n\t"
#define FILL_256 "vmovd %1, %%xmm14\n\tvbroadcastss %%xmm14, %%ymm14\n\tvmovaps %%ymm14, %%ymm15\n\t"
#define FILL_512 "vpbroadcastd %1, %%zmm14\n\tvpbroadcastd %1, %%zmm15\n\t"
#define DEFINE(name, features, FILL, STEP)                                                                            \
    __attribute__((target(features))) static void name(ptrdiff_t rounds, uint32_t ones) {                            \
        __asm__ volatile(FILL EACH(CLEAR) "1:\n\t" EACH(STEP) "decq %0\n\tjnz 1b\n\tvzeroupper"                       \
                         : "+r"(rounds)                                                                              \
                         : "r"(ones)                                                                                 \
                         : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",      \
                           "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");                                    \
    }
#define DOT_BF16(n) "vdpbf16ps %%zmm15, %%zmm14, %%zmm" #n "\n\t"
#define DOT_BYTES(n) "vpdpbusd %%zmm15, %%zmm14, %%zmm" #n "\n\t"
#define FMA_512(n) "vfmadd231ps %%zmm15, %%zmm14, %%zmm" #n "\n\t"
#define FMA_256(n) "vfmadd231ps %%ymm15, %%ymm14, %%ymm" #n "\n\t"
DEFINE(dot_bf16, "avx512f,avx512bf16", FILL_512, DOT_BF16)
DEFINE(dot_bytes, "avx512f,avx512vnni", FILL_512, DOT_BYTES)
DEFINE(fma_512, "avx512f", FILL_512, FMA_512)
DEFINE(fma_256, "avx2,fma", FILL_256, FMA_256)

ptrdiff_t gfn_peak_run(enum gfn_peak kind, ptrdiff_t rounds) {
    __builtin_cpu_init();
    const int avx512 = __builtin_cpu_supports("avx512f");
    ptrdiff_t operations = 0;  // of an instruction
    void (*run)(ptrdiff_t, uint32_t) = 0;
    uint32_t ones = 0;
    switch (kind) {
    case gfn_peak_bf16:
        if (avx512 && __builtin_cpu_supports("avx512bf16")) run = dot_bf16, operations = 64, ones = 0x3f803f80;
        break;
    case gfn_peak_bytes:
        if (avx512 && __builtin_cpu_supports("avx512vnni")) run = dot_bytes, operations = 128, ones = 0x01010101;
        break;
    case gfn_peak_fp32:
        ones = 0x3f800000;
        if (avx512) run = fma_512, operations = 32;
        else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) run = fma_256, operations = 16;
        break;
    }
    if (run && rounds > 0) run(rounds, ones);
    return operations * chains;
}
#else
ptrdiff_t gfn_peak_run(enum gfn_peak kind, ptrdiff_t rounds) {
    (void)kind;
    (void)rounds;
    return 0;
}
#endif
