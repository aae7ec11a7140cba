/* Tap-strided tiles of one number kind: included by fir_ukr.c.
 *
 * FC_T: the real number type, FC_KIND_NAME: the kind, UNIT: numbers of a sample (2: complex, interleaved),
 * TILE, TAPS: vectors of outputs and taps that the registers hold.
 *
 * A vector holds APART samples. Outputs i, i + APART, i + 2 APART, ... lie in TILE sums; taps r, r + APART, ...
 * (TAPS of them) meet them in TILE + TAPS - 1 samples, loaded once each.  Complex samples are multiplied by
 * the real and the imaginary part of a tap into two sums, which are crossed at the end.
 * Long filters are summed in blocks of BLOCK taps, so that rounding errors do not pile up in one sum.
 */
#define T FC_T
#define V FC_CAT(FC_T, _v)
#define VU FC_CAT(FC_T, _vu)
#define LANES ((int)(sizeof(V) / sizeof(T)))
#define APART (LANES / UNIT)
#define N(name) FC_CAT(name, FC_KIND_NAME)
enum { N(BLOCK_) = 256 };

/* taps r, r + APART, ... (M of them) of R sums; x, w: of tap r */
FC_INLINE void N(step_)(const int R, const int M, V *a, V *b, const T *x, ptrdiff_t apart, const T *w)
{
    V re[4], im[4];
    FC_UNROLL for (int m = 0; m < M; m++) {
        re[m] = w[m * LANES] - FC_CAT(FC_T, _zero);
        if (UNIT == 2)
            im[m] = w[m * LANES + UNIT - 1] - FC_CAT(FC_T, _zero);
    }
    FC_UNROLL32 for (int i = 0; i < R + M - 1; i++, x += apart) {
        V s = *(const VU *)x;
        FC_KEEP(s);
        FC_UNROLL for (int m = 0; m < M; m++)
            if (i >= m && i - m < R) {
                a[i - m] += s * re[m];
                if (UNIT == 2)
                    b[i - m] += s * im[m];
                FC_KEEP(a[i - m]); /* else GCC lets sums wander into the sample's register, and spills */
                if (UNIT == 2)
                    FC_KEEP(b[i - m]);
            }
    }
}

FC_INLINE void N(steps_)(const int R, const int M, V *a, V *b, const T *x, ptrdiff_t one,
                         ptrdiff_t apart, const T *w, int from, int to)
{
    for (int r = from; r < to; r++)
        N(step_)(R, M, a, b, x + r * one, apart, w + r * UNIT);
}

/* R vectors of outputs: one, apart: numbers from a sample to the next, and to the one APART further */
FC_INLINE void N(tile_)(const int R, ptrdiff_t taps, const T *w, const T *x, ptrdiff_t one,
                        ptrdiff_t apart, T *y, ptrdiff_t y_apart)
{
    V a[16], b[16];
    ptrdiff_t done = 0;
    do {
        ptrdiff_t left = taps - done < N(BLOCK_) ? taps - done : N(BLOCK_);
        FC_UNROLL for (int j = 0; j < R; j++)
            a[j] = b[j] = FC_CAT(FC_T, _zero);
        for (; left >= TAPS * APART; left -= TAPS * APART, x += TAPS * apart, w += TAPS * LANES)
            N(steps_)(R, TAPS, a, b, x, one, apart, w, 0, APART);
        const int full = (int)left / APART, more = (int)left % APART;
        if (TAPS == 4 && full == 3) {
            N(steps_)(R, 4, a, b, x, one, apart, w, 0, more);
            N(steps_)(R, 3, a, b, x, one, apart, w, more, APART);
        } else if (TAPS == 4 && full == 2) {
            N(steps_)(R, 3, a, b, x, one, apart, w, 0, more);
            N(steps_)(R, 2, a, b, x, one, apart, w, more, APART);
        } else if (full == 1) {
            N(steps_)(R, 2, a, b, x, one, apart, w, 0, more);
            N(steps_)(R, 1, a, b, x, one, apart, w, more, APART);
        } else {
            N(steps_)(R, 1, a, b, x, one, apart, w, 0, more);
        }
        if (UNIT == 2)
            FC_UNROLL for (int j = 0; j < R; j++) {
                __typeof__((V){0} == (V){0}) pair;
                V sign;
                FC_UNROLL for (int l = 0; l < LANES; l++) {
                    pair[l] = l ^ 1;
                    sign[l] = l & 1 ? 1 : -1;
                }
                a[j] += sign * __builtin_shuffle(b[j], pair);
            }
        FC_UNROLL for (int j = 0; j < R; j++) {
            if (done)
                a[j] += *(const VU *)(y + j * y_apart);
            *(VU *)(y + j * y_apart) = a[j];
        }
        done += N(BLOCK_);
    } while (done < taps);
}

static void N(line_)(ptrdiff_t taps, const void *w, const void *x_, void *y_, ptrdiff_t n)
{
    const T *x = x_;
    T *y = y_;
    const ptrdiff_t numbers = n * UNIT;
    ptrdiff_t i = 0;
    for (; i + TILE * LANES <= numbers; i += TILE * LANES) {
        /* enough arithmetic to hide the memory behind, where there is more than the caches hold */
        if (taps >= 24)
            FC_UNROLL for (int j = 0; j < TILE * LANES; j += 64 / (int)sizeof(T)) {
                __builtin_prefetch(x + i + taps * UNIT + 4 * TILE * LANES + j);
                __builtin_prefetch(y + i + 4 * TILE * LANES + j, 1);
            }
        N(tile_)(TILE, taps, w, x + i, UNIT, LANES, y + i, LANES);
    }
    for (; i + 3 * LANES <= numbers; i += 3 * LANES)
        N(tile_)(3, taps, w, x + i, UNIT, LANES, y + i, LANES);
    while (i < numbers) {
        if (numbers - i < LANES && numbers >= LANES)
            i = numbers - LANES;    /* over its neighbour: nothing is added up in y */
        if (numbers - i < LANES) {
            T rest[LANES];
            N(tile_)(1, taps, w, x, UNIT, LANES, rest, LANES);
            FC_UNROLL for (int l = 0; l < LANES; l++)
                if (l < numbers)
                    y[l] = rest[l];
            return;
        }
        N(tile_)(1, taps, w, x + i, UNIT, LANES, y + i, LANES);
        i += LANES;
    }
}

static void N(columns_)(ptrdiff_t taps, const void *w, const void *x_, ptrdiff_t x_pitch, void *y_,
                        ptrdiff_t y_pitch, ptrdiff_t n, ptrdiff_t cols)
{
    /* as on a line, the rows of a tile lie APART apart */
    for (ptrdiff_t block = 0; block < n; block += TILE * APART)
        for (ptrdiff_t c = 0; c < cols; c += LANES) {
            const ptrdiff_t at = c + LANES > cols ? cols - LANES : c;
            const ptrdiff_t end = n - block < TILE * APART ? n : block + TILE * APART;
            for (ptrdiff_t first = block; first < block + APART && first < end; first++) {
                ptrdiff_t i = first;
                const T *x = (const T *)x_ + i * x_pitch + at;
                T *y = (T *)y_ + i * y_pitch + at;
                if (i + (TILE - 1) * APART < end) {
                    N(tile_)(TILE, taps, w, x, x_pitch, APART * x_pitch, y, APART * y_pitch);
                    continue;
                }
                for (; i + 2 * APART < end; i += 3 * APART) {
                    N(tile_)(3, taps, w, x, x_pitch, APART * x_pitch, y, APART * y_pitch);
                    x += 3 * APART * x_pitch;
                    y += 3 * APART * y_pitch;
                }
                for (; i < end; i += APART) {
                    N(tile_)(1, taps, w, x, x_pitch, APART * x_pitch, y, APART * y_pitch);
                    x += APART * x_pitch;
                    y += APART * y_pitch;
                }
            }
        }
}
#undef FC_T
#undef FC_KIND_NAME
#undef UNIT
#undef TILE
#undef TAPS
#undef T
#undef V
#undef VU
#undef LANES
#undef APART
#undef N
