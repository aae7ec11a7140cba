"""The machine: which ISA runs, how many threads, and what this build was made with.

Nothing here computes.  The ISA is chosen once, at import: the best one that the CPU has and the
build contains, or the one that ``FASTCONV_ISA`` names.  The thread count is a number handed to every
parallel region (``omp_set_num_threads`` is never called: it would change other libraries).
"""
import os
from contextvars import ContextVar
from math import gcd

from fastconv._core cimport kernels as k

cdef extern from *:
    """
    #if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    static int fc_cpu_has(int isa)
    {
        __builtin_cpu_init();
        if (isa == 1)
            return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    #ifdef FC_AVX512_IS_EMULATED
        if (isa == 2)
            return fc_cpu_has(1);
    #endif
        if (isa == 2)
            return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
                && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
                && __builtin_cpu_supports("fma");
        return isa == 0;
    }
    #elif defined(__aarch64__)
    static int fc_cpu_has(int isa) { return isa == 0 || isa == 3; }
    #else
    static int fc_cpu_has(int isa) { return isa == 0; }
    #endif
    #ifdef __VERSION__
    static const char *fc_compiler = __VERSION__;
    #else
    static const char *fc_compiler = "unknown";
    #endif
    #ifdef __clang__
    static const char *fc_compiler_name = "clang";
    #else
    static const char *fc_compiler_name = "gcc";
    #endif
    """
    int fc_cpu_has(int isa) noexcept
    const char *fc_compiler
    const char *fc_compiler_name

ISAS = ("baseline", "avx2", "avx512", "neon")


def available_isas():
    """Names of the ISAs that this CPU has and this build contains, slowest first."""
    return tuple(name for i, name in enumerate(ISAS)
                 if fc_cpu_has(i) and k.fc_isa_compiled(i))


def _choose_isa():
    usable = available_isas()
    wanted = os.environ.get("FASTCONV_ISA", "").strip().lower()
    if not wanted:
        return usable[-1]
    if wanted not in usable:
        raise ValueError(f"FASTCONV_ISA={wanted!r}: this machine and build can run "
                         f"{', '.join(usable)}")
    return wanted


isa = _choose_isa()
cdef int _isa_index = ISAS.index(isa)

cdef int isa_index() noexcept:
    return _isa_index


def microkernels(name=None):
    """Rows of the microkernel table of one ISA: (name, kind, mr, nv, lanes)."""
    cdef int count, i
    cdef const k.fc_tap_row *rows = k.fc_tap_rows(ISAS.index(name or isa), &count)
    return [(rows[i].name.decode(), rows[i].kind, rows[i].mr, rows[i].nv, rows[i].lanes)
            for i in range(count) if rows[i].nv]


def build_info():
    """Compiler and OpenMP version (0: built without OpenMP) of this build."""
    return {"compiler": f"{fc_compiler_name.decode()} {fc_compiler.decode()}",
            "openmp": k.fc_openmp}


# --- threads ------------------------------------------------------------------------------

def _cgroup_cpus():
    """CPUs that the container's quota amounts to, or None."""
    try:
        with open("/sys/fs/cgroup/cpu.max") as f:
            quota, period = f.read().split()
        return None if quota == "max" else max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return None


def usable_cpus():
    """CPUs this process may use: its affinity mask, bounded by the container's quota."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:
        count = os.cpu_count() or 1
    quota = _cgroup_cpus()
    return count if quota is None else max(1, min(count, quota))


def _initial_threads():
    for name in ("FASTCONV_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "").split(",")[0].strip()
        if value.isascii() and value.isdigit() and value.strip("0"):
            return min(int(value.lstrip("0")[:9]), MAX_THREADS)
    return usable_cpus()


MAX_THREADS = 4096      # more is a mistake, and would not fit a C int for long
_threads = _initial_threads()
_override = ContextVar("fastconv_num_threads", default=0)
cdef bint _forked = False
cdef bint _used_threads = False


def set_threads(int n):
    """Set the default of the process."""
    global _threads
    _threads = n


def get_threads():
    """The number of threads that the next call may use."""
    return _override.get() or _threads


override = _override


def _after_fork_in_child():
    # GNU OpenMP's pool does not survive a fork: a parallel region in the child would wait for
    # threads that are gone.  One thread always works.
    global _forked
    _forked = _used_threads


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


cpdef bint crowded(ptrdiff_t lines, ptrdiff_t step):
    """Whether so many lines of the first-level cache (8 ways of 64 lines of 64 bytes), step bytes apart, push each other
    out."""
    return step % 64 == 0 and lines > 8 * 64 // gcd(step // 64, 64)


cdef int threads_for(double work) noexcept:
    """Threads for a call of that many multiply-adds; a small one is done before others wake."""
    global _used_threads
    if work < BREAK_EVEN_MACS or _forked or not k.fc_openmp:
        return 1
    cdef int n = get_threads()
    if n > 1:
        _used_threads = True
    return n


cdef void run_region(k.fc_task *task, void *job, void *call, void *team, ptrdiff_t items, ptrdiff_t chunk,
                     int threads) noexcept nogil:
    """fc_run, which only this module is linked with: the others need no OpenMP."""
    k.fc_run(task, job, call, team, items, chunk, threads)
