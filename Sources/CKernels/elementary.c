/// Exponential, logarithm, sine and cosine in double, of plain IEEE operations in one order: equal bits on every processor.
///
/// The C library's are within an ulp too, but it has several of each and takes the one that suits the processor; those with
/// fused multiply-adds round differently. The reductions and polynomials are those of fdlibm (Sun Microsystems, 1993).
/// This file is compiled for the oldest processor of its kind and without contraction.
#include <float.h>
#include <math.h>
#include <string.h>

#include "ckernels.h"

static uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static double double_of(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/// ln 2 as a sum; the first part has zeros enough for a product with an exponent to be exact.
static const double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;

double gfn_log(double x) {
    if (!(x > 0)) return x == 0 ? -INFINITY : NAN;
    if (x > DBL_MAX) return x;
    int exponent = 0;
    if (x < DBL_MIN) {
        x *= 0x1p54;
        exponent = -54;
    }
    // x = 2^exponent · m with m from √½ to √2
    uint64_t bits = bits_of(x);
    exponent += (int)(bits >> 52) - 1023;
    double m = double_of((bits & 0xfffffffffffffu) | 0x3ff0000000000000u);
    if (m > 1.41421356237309504880) {
        m *= 0.5;
        exponent++;
    }
    const double f = m - 1, s = f / (2 + f), z = s * s, half = 0.5 * f * f, k = exponent;
    double p = 1.479819860511658591e-01;
    p = 1.531383769920937332e-01 + z * p;
    p = 1.818357216161805012e-01 + z * p;
    p = 2.222219843214978396e-01 + z * p;
    p = 2.857142874366239149e-01 + z * p;
    p = 3.999999999940941908e-01 + z * p;
    p = 6.666666666666735130e-01 + z * p;
    return k * ln2_high - ((half - (s * (half + z * p) + k * ln2_low)) - f);
}

double gfn_exp(double x) {
    if (x != x) return x;
    if (x > 709.782712893383973096) return INFINITY;
    if (x < -745.13321910194110842) return 0;
    const double k = nearbyint(x * 1.44269504088896338700);
    const double high = x - k * ln2_high, low = k * ln2_low, r = high - low, t = r * r;
    double p = 4.13813679705723846039e-08;
    p = -1.65339022054652515390e-06 + t * p;
    p = 6.61375632143793436117e-05 + t * p;
    p = -2.77777777770155933842e-03 + t * p;
    p = 1.66666666666666019037e-01 + t * p;
    const double c = r - t * p;
    const double y = 1 - ((low - (r * c) / (2 - c)) - high);
    // In two steps, as 2^k alone may be too large or too small for a double.
    const int n = (int)k, first = n / 2;
    return y * double_of((uint64_t)(first + 1023) << 52) * double_of((uint64_t)(n - first + 1023) << 52);
}

/// sin(x + tail) and cos(x + tail) for |x| ≤ π/4.
static double sine_near_zero(double x, double tail) {
    const double z = x * x, v = z * x;
    double p = 1.58969099521155010221e-10;
    p = -2.50507602534068634195e-08 + z * p;
    p = 2.75573137070700676789e-06 + z * p;
    p = -1.98412698298579493134e-04 + z * p;
    p = 8.33333333332248946124e-03 + z * p;
    return x - ((z * (0.5 * tail - v * p) - tail) - v * -1.66666666666666324348e-01);
}
static double cosine_near_zero(double x, double tail) {
    const double z = x * x;
    double p = -1.13596475577881948265e-11;
    p = 2.08757232129817482790e-09 + z * p;
    p = -2.75573143513906633035e-07 + z * p;
    p = 2.48015872894767294178e-05 + z * p;
    p = -1.38888888888741095749e-03 + z * p;
    p = 4.16666666666666019037e-02 + z * p;
    const double half = 0.5 * z, w = 1 - half;
    return w + (((1 - w) - half) + (z * (z * p) - x * tail));
}

void gfn_sine_cosine(double x, double *sine, double *cosine) {
    // x = n·π/2 + (head + tail), with π/2 in parts whose products with n are exact up to n = 2^20
    const double n = nearbyint(x * 6.36619772367581382433e-01);
    const double first = x - n * 1.57079632673412561417e+00, part = n * 6.07710050630396597660e-11, second = first - part;
    const double rest = n * 2.02226624879595063154e-21 - ((first - second) - part);
    const double head = second - rest, tail = (second - head) - rest;
    const double s = sine_near_zero(head, tail), c = cosine_near_zero(head, tail);
    switch ((int)((int64_t)n & 3)) {
        case 0: *sine = s; *cosine = c; break;
        case 1: *sine = c; *cosine = -s; break;
        case 2: *sine = -s; *cosine = -c; break;
        default: *sine = -c; *cosine = s; break;
    }
}
