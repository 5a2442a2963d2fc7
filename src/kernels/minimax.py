#!/usr/bin/env python3
"""Prints the polynomial coefficients of ew_math.h, ew_erf.h, ew_trig.h and special.c: Remez's exchange in 60 digits (needs mpmath).

Each row of JOBS names a function g, the weight that turns an error of g into a relative error of the function that is
computed from it, an interval and a degree. Every g is the tail of a series, multiplied by a small number where it is
used, so its coefficients can simply be rounded to the type; the error printed is that after rounding.
"""
import sys

from mpmath import mp, mpf

mp.dps = 60


def solve_levelled(g, w, points, degree):
    """Polynomial that misses the points by errors of one weighted size and alternating signs."""
    rows = [[x**k for k in range(degree + 1)] + [(-1) ** i / w(x)] for i, x in enumerate(points)]
    solution = mp.lu_solve(mp.matrix(rows), mp.matrix([g(x) for x in points]))
    return [solution[k] for k in range(degree + 1)], abs(solution[degree + 1])


def horner(c, x):
    y = mpf(0)
    for a in reversed(c):
        y = y * x + a
    return y


def extrema(g, w, c, low, high, count):
    """The `count` neighbouring largest errors of alternating sign on a fine grid."""
    steps = 60 * count
    grid = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * i / steps) for i in range(steps + 1)]
    error = [w(x) * (g(x) - horner(c, x)) for x in grid]
    best = []
    for x, e in zip(grid, error):
        if best and (e > 0) == (best[-1][1] > 0):
            if abs(e) > abs(best[-1][1]):
                best[-1] = (x, e)
        else:
            best.append((x, e))
    while len(best) > count:
        best.pop(0 if abs(best[0][1]) < abs(best[-1][1]) else -1)
    return [x for x, _ in best], max(abs(e) for _, e in best)


def remez(g, w, low, high, degree):
    count = degree + 2
    points = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    for _ in range(12):
        c, level = solve_levelled(g, w, points, degree)
        new, worst = extrema(g, w, c, low, high, count)
        if len(new) < count or worst < level * mpf("1.001"):
            break
        points = new
    return c


def round_to(x, bits):
    mantissa, exponent = mp.frexp(x)
    return mp.ldexp(mp.nint(mp.ldexp(mantissa, bits)), exponent - bits)


def rounded(g, w, low, high, degree, bits, first_bits):
    """The first coefficient, the largest, may have more bits: it then stands in two numbers."""
    c = [round_to(a, bits if k else first_bits) for k, a in enumerate(remez(g, w, low, high, degree))]
    _, worst = extrema(g, w, c, low, high, degree + 2)
    return c, worst


def rational(g, low, high, p_degree, q_degree, bits):
    """P/Q with Q(0) = 1 that meets g in Chebyshev's points."""
    count = p_degree + q_degree + 1
    points = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    rows = [[x**k for k in range(p_degree + 1)] + [-g(x) * x**k for k in range(1, q_degree + 1)] for x in points]
    solution = mp.lu_solve(mp.matrix(rows), mp.matrix([g(x) for x in points]))
    p = [round_to(solution[k], bits) for k in range(p_degree + 1)]
    q = [mpf(1)] + [round_to(solution[p_degree + 1 + k], bits) for k in range(q_degree)]
    grid = [low + (high - low) * i / 2000 for i in range(2001)]
    worst = max(abs(x * (g(x) - horner(p, x) / horner(q, x))) for x in grid)
    return p, q, worst


def series(terms):
    return lambda x: sum(t * x**k for k, t in enumerate(terms))


N = 45
exp_tail = series([1 / mp.factorial(k + 2) for k in range(N)])  # (e^r - 1 - r) / r^2
log_tail = series([mpf(2) / (2 * k + 3) for k in range(N)])  # (2 atanh(s) / s - 2) / z, z = s^2
sin_tail = series([(-1) ** (k + 1) / mp.factorial(2 * k + 3) for k in range(N)])  # (sin(x) / x - 1) / z, z = x^2
cos_tail = series([(-1) ** k / mp.factorial(2 * k + 4) for k in range(N)])  # (cos(x) - 1 + z / 2) / z^2


def tanh_tail(z):
    if z < mpf("1e-15"):
        return -mpf(1) / 3 + 2 * z / 15
    x = mp.sqrt(z)
    return (mp.tanh(x) / x - 1) / z


def erf_tail(z):
    if z < mpf("1e-15"):
        return (-mpf(1) / 3 + z / 10) * 2 / mp.sqrt(mp.pi)
    x = mp.sqrt(z)
    return (mp.erf(x) / x - 2 / mp.sqrt(mp.pi)) / z


def minus_log_erfc(x):
    return -mp.log(mp.erfc(x))


def scaled_erfc(t):
    """(1 + 2 a) e^(a^2) erfc(a) with t = (a - 4) / (a + 4)."""
    a = 4 * (1 + t) / (1 - t)
    return (1 + 2 * a) * mp.exp(a * a) * mp.erfc(a)


ROOT = mp.findroot(mp.digamma, mpf("1.4616"))


def digamma_slope(t):
    """psi(x) / (x - root) with t = x - 3/2."""
    x = t + mpf("1.5")
    return mp.digamma(x) / (x - ROOT) if abs(x - ROOT) > mpf("1e-15") else mp.polygamma(1, ROOT)


HALF_LN2 = mp.log(2) / 2 * mpf("1.0001")
LOG_Z = mpf("0.2") ** 2 * mpf("1.0001")  # f <= 1/2, s = f / (2 + f)
TRIG_Z = (mp.pi / 4) ** 2 * mpf("1.0001")
TANH_Z = mpf("0.5625") ** 2


# The weight r^2 / |e^r - 1| would vanish inside the interval, where Remez wants it positive: its largest value instead.
EXP_WEIGHT = HALF_LN2**2 / (1 - mp.exp(-HALF_LN2))


JOBS = [  # name, g, weight, low, high, {bits: degree}
    ("exp", exp_tail, lambda r: EXP_WEIGHT, -HALF_LN2, HALF_LN2, {24: 5, 53: 10}),
    ("log", log_tail, lambda z: z / 2 + mpf("1e-9"), mpf(0), LOG_Z, {24: 3, 53: 7}),
    ("sin", sin_tail, lambda z: z + mpf("1e-9"), mpf(0), TRIG_Z, {24: 2, 53: 5}),
    ("cos", cos_tail, lambda z: z * z + mpf("1e-9"), mpf(0), TRIG_Z, {24: 2, 53: 5}),
    ("erf", erf_tail, lambda z: z + mpf("1e-9"), mpf(0), mpf(1), {24: 5, 53: 12}),
    ("erfc32", minus_log_erfc, mp.erfc, mpf(1), mpf(4), {24: 7}),  # the weight: an absolute error of erfc
    ("erfc64", minus_log_erfc, mp.erfc, mpf(1), mpf(6), {53: 18}),
    ("scaled_erfc", scaled_erfc, lambda t: mpf(1), mpf(-7) / 9, mpf("23.5") / mpf("31.5"), {53: 22}),  # a from 1/2 to 27.5
    ("scaled_erfc32", scaled_erfc, lambda t: 1 / scaled_erfc(t), mpf(-7) / 9, mpf("6.3") / mpf("14.3"), {24: 10}),  # to 10.3
    ("digamma", digamma_slope, lambda t: 1 / digamma_slope(t), mpf(-1) / 2, mpf(1) / 2, {53: 23}),
    ("tanh", tanh_tail, lambda z: z + mpf("1e-9"), mpf(0), TANH_Z, {24: 4}),
]

PAIRED = ("scaled_erfc", "digamma")  # whose first coefficient stands in two numbers


def show(name, bits, c, worst):
    digits = 9 if bits == 24 and name not in ("sin", "cos") else 17
    print(f"{name} f{32 if bits == 24 else 64}: largest relative error 2^{mp.nstr(mp.log(worst, 2), 4)}")
    if name in PAIRED:
        low = c[0] - round_to(c[0], bits)
        print(f"  the first: {mp.nstr(c[0] - low, digits)} + {mp.nstr(low, digits)}")
        c = c[1:]
    print("  " + ", ".join(mp.nstr(a, digits) for a in c))


def main():
    for name, g, w, low, high, degrees in JOBS:
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        for bits, degree in degrees.items():
            bits_kept = 53 if name in ("sin", "cos") else bits
            show(name, bits, *rounded(g, w, low, high, degree, bits_kept, 106 if name in PAIRED else bits_kept))
    if len(sys.argv) == 1 or "tanh" in sys.argv[1:]:
        p, q, worst = rational(tanh_tail, mpf(0), TANH_Z, 2, 3, 53)
        show("tanh P", 53, p, worst)
        show("tanh Q", 53, q, worst)


main()
