"""The matrices of Winograd's short convolutions, in exact rationals.

``F(m, r)`` computes m outputs of a filter of r taps with ``m + r - 1`` products instead of ``m * r``::

    y = A^T [(G g) * (B^T d)]

for any m + r - 2 distinct points and infinity (Toom 1963, Cook 1966, Winograd 1980). The points decide the
rounding error. These are the best of those that were tried among fractions that floating point holds
exactly: 0, +-5/8 and +-3/2 for six points have a quarter of the error of the usual 0, +-1, +-2.

``_core/kernels/winograd_ukr_body.h`` has the same B and A as arithmetic; weights are transformed with G.
"""

from fractions import Fraction
from functools import lru_cache

import numpy as np

# the positive points, by the number of points in all: 0, +- these, infinity
POINTS = {
    4: (Fraction(1),),
    6: (Fraction(5, 8), Fraction(3, 2)),
    8: (Fraction(1), Fraction(2), Fraction(1, 2)),
}


def _polynomial(roots):
    """Coefficients of the monic polynomial with these roots, lowest first."""
    p = [Fraction(1)]
    for root in roots:
        p = [low - root * high for low, high in zip([Fraction(0), *p], [*p, Fraction(0)], strict=True)]
    return p


@lru_cache(maxsize=32)
def matrices(m, r):
    """(A^T, G, B^T) as tuples of rows of fractions: m x n, n x r and n x n with n = m + r - 1.

    Rows of B^T are monic: row p has the coefficients of N(x) / (x - p), the last those of N, the product
    over all finite points; G takes their scale."""
    if (m, r) == (1, 1):
        one = ((Fraction(1),),)
        return one, one, one
    n = m + r - 1
    finite = [Fraction(0), *(s * p for p in POINTS[n] for s in (1, -1))]
    a = tuple(tuple([p**j for p in finite] + [Fraction(j == m - 1)]) for j in range(m))
    g, b = [], []
    for p in finite:
        others = [q for q in finite if q != p]
        scale = Fraction(1)
        for q in others:
            scale *= p - q
        g.append(tuple(p**s / scale for s in range(r)))
        b.append((*_polynomial(others), Fraction(0)))
    g.append(tuple(Fraction(s == r - 1) for s in range(r)))
    b.append(tuple(_polynomial(finite)))
    return a, tuple(g), tuple(b)


@lru_cache(maxsize=32)
def weights_matrix(m, r):
    """G in float64, each number rounded once."""
    g = np.array([[float(v) for v in row] for row in matrices(m, r)[1]])
    g.flags.writeable = False
    return g
