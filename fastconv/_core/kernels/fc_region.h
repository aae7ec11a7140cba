/* A region of work for several threads.
 *
 * fc_run calls task in the calling thread and in those of OpenMP; each takes items until none is left.
 */
#pragma once
#include <stddef.h>

typedef struct {
    ptrdiff_t items, chunk, next;
} fc_region;

typedef struct { /* what a thread has of it */
    fc_region *region;
    ptrdiff_t item, end; /* the item that it is at, and the end of those that it has taken */
    int caller;          /* whether this is the calling thread */
} fc_share;

/* The first three are the caller's, as given to fc_run. */
typedef void fc_task(void *job, void *call, void *team, fc_share *share);

/* On to share->item, the next item or, at first, the first one; 0 if there is none left. */
static inline int fc_next(fc_share *share)
{
    fc_region *r = share->region;
    if (++share->item < share->end)
        return 1;
    share->item = __atomic_fetch_add(&r->next, r->chunk, __ATOMIC_RELAXED);
    share->end = r->items - share->item < r->chunk ? r->items : share->item + r->chunk;
    return share->item < r->items;
}

extern const int fc_openmp; /* the version that this was built with, or 0: all work is done by the caller */

void fc_run(fc_task *task, void *job, void *call, void *team, ptrdiff_t items, ptrdiff_t chunk, int threads);
