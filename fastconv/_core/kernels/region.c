/* Regions of work: OpenMP's threads, which other libraries' regions share where they use the same runtime.
 *
 * A thread of OpenMP that has slept is often put on the processor of who woke it, and waits there until the
 * system takes this from the caller, which computes and then spins in OpenMP's barrier: two time slices, 8 ms,
 * for a call of 0.1 ms after 100 ms of rest.  So the first region after some rest begins by letting the others
 * run, and these leave the caller's processor.
 */
#define _GNU_SOURCE
#include "fc_region.h"
#include "fc_kernels.h"
#ifdef __linux__
#include <sched.h>
#endif

#ifdef _OPENMP
#include <omp.h>
const int fc_openmp = _OPENMP;

#ifdef __linux__
#define FC_REST 2e-4   /* seconds after which the other threads may sleep */
#define FC_AWAKE 30e-6 /* seconds in which one that has its own processor wakes */

static _Thread_local double last_end;

/* The caller's side: came counts the others that run. */
static void let_come(const int *came, int others)
{
    double begin = fc_now();
    if (begin - last_end < FC_REST)
        return;
    while (__atomic_load_n(came, __ATOMIC_RELAXED) < others)
        if (fc_now() - begin > FC_AWAKE) {
            sched_yield();
            return;
        }
}

/* The side of the others. */
static void leave(int cpu)
{
    cpu_set_t usable, others;
    if (sched_getcpu() != cpu || sched_getaffinity(0, sizeof usable, &usable))
        return;
    others = usable;
    CPU_CLR(cpu, &others);
    if (CPU_COUNT(&others) && !sched_setaffinity(0, sizeof others, &others))
        sched_setaffinity(0, sizeof usable, &usable);
}
#endif
#else
const int fc_openmp = 0;
#endif

void fc_run(fc_task *task, void *job, void *call, void *team, ptrdiff_t items, ptrdiff_t chunk, int threads)
{
    fc_region region = {items, chunk, 0};
    ptrdiff_t most = (items + chunk - 1) / chunk;
    if (threads > most)
        threads = (int)most;
#ifdef _OPENMP
    if (threads > 1) {
#ifdef __linux__
        int cpu = sched_getcpu(), came = 0;
#endif
#pragma omp parallel num_threads(threads)
        {
            fc_share share = {&region, 0, 0, omp_get_thread_num() == 0};
#ifdef __linux__
            if (share.caller) {
                let_come(&came, omp_get_num_threads() - 1);
            } else {
                __atomic_add_fetch(&came, 1, __ATOMIC_RELAXED);
                leave(cpu);
            }
#endif
            if (share.caller || __atomic_load_n(&region.next, __ATOMIC_RELAXED) < items)
                task(job, call, team, &share);
        }
#ifdef __linux__
        last_end = fc_now();
#endif
        return;
    }
#endif
    fc_share share = {&region, 0, 0, 1};
    task(job, call, team, &share);
}
