/* Scratch memory of a thread, and a clock.
 *
 * Fresh pages cost 0.1-0.25 us each, so a thread keeps its scratch between calls: it grows to what
 * was asked for and is freed when the thread ends.  More than FC_KEEP_BYTES is not kept: the next
 * smaller request gives it back.  Aligned to a cache line of 64 bytes, and to 2 MB pages when large.
 */
#define _GNU_SOURCE
#include "fc_image.h"
#include "fc_kernels.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#define FC_KEEP_BYTES ((size_t)64 << 20)
#define FC_HUGE_BYTES ((size_t)2 << 20)

static _Thread_local void *scratch;
static _Thread_local size_t scratch_bytes;
static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static void make_key(void)
{
    pthread_key_create(&scratch_key, free);
}

void *fc_pages(size_t bytes)
{
    void *fresh = NULL;
    if (posix_memalign(&fresh, bytes >= FC_HUGE_BYTES ? FC_HUGE_BYTES : 64, bytes ? bytes : 64))
        return NULL;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (bytes >= FC_HUGE_BYTES)
        madvise(fresh, bytes, MADV_HUGEPAGE);
#endif
    return fresh;
}

void *fc_scratch(size_t bytes)
{
    if (scratch && bytes <= scratch_bytes && (scratch_bytes <= FC_KEEP_BYTES || bytes > FC_KEEP_BYTES))
        return scratch;
    pthread_once(&scratch_once, make_key);
    free(scratch);
    scratch = NULL;
    scratch_bytes = 0;
    void *fresh = fc_pages(bytes);
    pthread_setspecific(scratch_key, fresh);
    if (!fresh)
        return NULL;
    scratch = fresh;
    scratch_bytes = bytes;
    return fresh;
}

double fc_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int fc_resident(const void *at, size_t n)
{
#ifdef __linux__
    const size_t page = 4096; /* of any larger size this is a part */
    unsigned char found = 1;
    char *last = (char *)(((uintptr_t)at + n - 1) / page * page);
    return mincore(last, 1, &found) != 0 || (found & 1);
#else
    (void)at, (void)n;
    return 1;
#endif
}

void fc_fence(void)
{
#if defined(__SSE2__)
    __builtin_ia32_sfence();
#endif
}
