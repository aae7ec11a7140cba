/* The end of a tile of channel lanes: the sums acc[PX][NV] and a bias into rows of c that begin ldc numbers apart, from
 * `row` on. What was there is added last: sums of blocks of products, not one long running sum. */
#ifndef FC_TILE_OUT_H
#define FC_TILE_OUT_H

#define FC_TILE_OUT(PX, NV)                                                   \
    if (bias) /* pixel by pixel: the other way round GCC spills */            \
        FC_UNROLL for (int p = 0; p < PX; p++)                                \
            FC_UNROLL for (int j = 0; j < NV; j++)                            \
                acc[p][j] += *(const VU *)(bias + j * LANES);                 \
    FC_UNROLL for (int p = 0; p < PX; p++, row += ldc) {                      \
        FC_OPAQUE(row);                                                       \
        FC_UNROLL for (int j = 0; j < NV; j++) {                              \
            if (accumulate)                                                   \
                acc[p][j] += *(const VU *)(row + j * LANES);                  \
            *(VU *)(row + j * LANES) = acc[p][j];                             \
        }                                                                     \
    }

#endif
