/* Deformable sampling for one floating type T (positions are worked out in P). */
static void FC_CAT(corners_, T)(void *weights, ptrdiff_t *offsets, const fc_volume *v,
                                const void *pos, ptrdiff_t n)
{
    T *w = (T *)weights;
    const P *position = (const P *)pos;
    const int corners = 1 << v->nd;
    for (ptrdiff_t p = 0; p < n; p++) {
        ptrdiff_t low[3] = {0, 0, 0};
        P frac[3] = {0, 0, 0};
        int outside = 0, nan = 0, empty = 0;
        for (int d = 0; d < v->nd; d++) {
            const P at = position[d * n + p];
            empty |= v->size[d] == 0;
            nan |= at != at;
            outside |= at <= -1 || at >= (P)v->size[d];
            if (nan || outside)
                continue;
            low[d] = (ptrdiff_t)(at + 1) - 1; /* floor, since at > -1 */
            frac[d] = at - (P)low[d];
        }
        for (int c = 0; c < corners; c++) {
            P weight = 1;
            ptrdiff_t offset = 0;
            for (int d = 0; d < v->nd; d++) {
                const int high = (c >> d) & 1;
                const ptrdiff_t at = low[d] + high;
                const int inside = at >= 0 && at < v->size[d];
                weight *= inside ? (high ? frac[d] : 1 - frac[d]) : 0;
                offset += inside ? at * v->step_bytes[d] : 0;
            }
            if (outside || nan) { /* outside on one axis decides, whatever the others say */
                weight = !outside && !empty && c == 0 ? (P)NAN : 0;
                offset = 0;
            }
            w[c * n + p] = (T)weight;
            offsets[c * n + p] = offset;
        }
    }
}

static void FC_CAT(sample_, T)(void *dst, const char *x, const void *weights,
                               const ptrdiff_t *offsets, const void *mask, int corners,
                               ptrdiff_t n)
{
    T *d = (T *)dst;
    const T *w = (const T *)weights, *m = (const T *)mask;
    for (ptrdiff_t p = 0; p < n; p++) {
        T sum = 0;
        for (int c = 0; c < corners; c++) {
            const T weight = w[c * n + p];
            T value;
            if (weight == 0) /* a neighbour that is not touched must not lend its NaN */
                continue;
            memcpy(&value, x + offsets[c * n + p], sizeof value);
            sum += weight * value;
        }
        d[p] = m ? sum * m[p] : sum;
    }
}
#undef T
#undef P
