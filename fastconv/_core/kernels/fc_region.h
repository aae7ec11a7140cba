/* A region of work for several threads.
 *
 * fc_run calls task in the calling thread and in those of OpenMP; each takes items until none is left.
 */
#pragma once
#include <stddef.h>

typedef struct fc_region fc_region;
/* The first three are the caller's, as given to fc_run; caller: whether this is the calling thread. */
typedef void fc_task(void *job, void *call, void *team, fc_region *region, int caller);

struct fc_region {
    ptrdiff_t items, chunk, next;
};

/* The next items of a region, first to end - 1; 0 if there are none. */
static inline int fc_take(fc_region *region, ptrdiff_t *first, ptrdiff_t *end)
{
    ptrdiff_t at = __atomic_fetch_add(&region->next, region->chunk, __ATOMIC_RELAXED);
    if (at >= region->items)
        return 0;
    *first = at;
    *end = region->items - at < region->chunk ? region->items : at + region->chunk;
    return 1;
}

extern const int fc_openmp; /* the version that this was built with, or 0: all work is done by the caller */

void fc_run(fc_task *task, void *job, void *call, void *team, ptrdiff_t items, ptrdiff_t chunk, int threads);
