/* The memory of large results, kept for the next ones.
 *
 * A page that the system hands out costs 0.25 to 4 us at its first touch, and results beyond the allocator's
 * limits are new pages every time: a 3 x 3 filter over 4096 x 4096 samples took 12 ms, 4 of them for pages.
 * NumPy takes these functions as the memory handler of an array (NEP 49), which owns its memory as any other.
 *
 * Blocks are of few sizes, so that results of nearly the same size can have each other's, and begin at a line
 * of the cache. A block that so many others were taken before is given back.  Whoever finds another thread
 * at the list goes to the system instead, so nobody waits, and a process forked meanwhile can go on.
 */
#include "fc_kernels.h"
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 16, PATIENCE = 64 };
#define LINE 64 /* before a block: its size */

typedef struct {
    char *at;
    size_t bytes;
    unsigned long since; /* what was the count of blocks taken when this was put here */
} kept_block;
static kept_block list[BLOCKS];
static size_t in_list, most;
static unsigned long taken;
static int busy;

static int enter(void)
{
    return !__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE);
}

static void leave(void)
{
    __atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

/* An eighth more at most. */
static size_t rounded(size_t n)
{
    size_t step = 4096;
    while (n / step > 15)
        step *= 2;
    return (n + step - 1) / step * step;
}

static size_t size_of(const char *p)
{
    size_t bytes;
    memcpy(&bytes, p - LINE, sizeof bytes);
    return bytes;
}

static char *fresh(size_t bytes)
{
    char *p = bytes + LINE < bytes ? NULL : (char *)fc_pages(bytes + LINE);
    if (!p)
        return NULL;
    memcpy(p, &bytes, sizeof bytes);
    return p + LINE;
}

/* Back to the system. */
static void drop(kept_block *b)
{
    free(b->at - LINE);
    in_list -= b->bytes;
    b->at = NULL;
}

/* The block that has been here for longest; NULL: there is none. */
static kept_block *oldest(void)
{
    kept_block *found = NULL;
    for (int i = 0; i < BLOCKS; i++)
        if (list[i].at && (!found || list[i].since < found->since))
            found = &list[i];
    return found;
}

/* The latest block of that size, whose lines are most likely in a cache; NULL: none. */
static char *take(size_t bytes)
{
    kept_block *found = NULL;
    char *at = NULL;
    taken++;
    for (int i = 0; i < BLOCKS; i++) {
        if (!list[i].at)
            continue;
        if (list[i].bytes == bytes && (!found || list[i].since >= found->since))
            found = &list[i];
        else if (taken - list[i].since > PATIENCE)
            drop(&list[i]);
    }
    if (found) {
        at = found->at;
        in_list -= found->bytes;
        found->at = NULL;
    }
    return at;
}

/* 1: kept */
static int put(char *at, size_t bytes)
{
    if (bytes > most)
        return 0;
    kept_block *place = NULL;
    while (in_list + bytes > most)
        drop(oldest());
    for (int i = 0; i < BLOCKS && !place; i++)
        if (!list[i].at)
            place = &list[i];
    if (!place) {
        place = oldest();
        drop(place);
    }
    *place = (kept_block){at, bytes, taken};
    in_list += bytes;
    return 1;
}

static void shrink(size_t bytes)
{
    if (!enter())
        return;
    while (in_list > bytes)
        drop(oldest());
    leave();
}

void *fc_keep_malloc(void *context, size_t n)
{
    (void)context;
    const size_t bytes = rounded(n);
    char *at = NULL;
    if (bytes < n)
        return NULL;
    if (enter()) {
        at = take(bytes);
        leave();
    }
    if (!at)
        at = fresh(bytes);
    if (!at && fc_keep_held()) { /* what is kept may be what is missing */
        shrink(0);
        at = fresh(bytes);
    }
    return at;
}

void *fc_keep_calloc(void *context, size_t count, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(count, size, &n))
        return NULL;
    void *at = fc_keep_malloc(context, n);
    return at ? memset(at, 0, n) : NULL;
}

void fc_keep_free(void *context, void *p, size_t n)
{
    (void)context, (void)n;
    int kept = 0;
    if (!p)
        return;
    if (enter()) {
        kept = put((char *)p, size_of((char *)p));
        leave();
    }
    if (!kept)
        free((char *)p - LINE);
}

void *fc_keep_realloc(void *context, void *p, size_t n)
{
    if (!p)
        return fc_keep_malloc(context, n);
    const size_t had = size_of((char *)p);
    if (rounded(n) == had)
        return p;
    void *at = fc_keep_malloc(context, n);
    if (at) {
        memcpy(at, p, n < had ? n : had);
        fc_keep_free(context, p, had);
    }
    return at;
}

size_t fc_keep_most(size_t bytes)
{
    const size_t before = most;
    most = bytes;
    shrink(bytes);
    return before;
}

size_t fc_keep_limit(void)
{
    return most;
}

size_t fc_keep_held(void)
{
    return __atomic_load_n(&in_list, __ATOMIC_RELAXED);
}
