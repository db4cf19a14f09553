"""Keep freed memory in the process, in large pages, instead of giving it back to the system after every tensor."""

import ctypes
import functools
import sys

import psutil

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # <malloc.h>
NEVER = -1
TOP_PAD_BYTES = 64 * 2**20
MADV_HUGEPAGE = 14  # <sys/mman.h>
HUGE_PAGE = 2 * 2**20


@functools.cache
def keep_freed_memory() -> bool:
    """Tell glibc to serve large blocks from its heap and never to trim it. Returns whether it listened.

    By default every activation (tens of MB) is mapped anew and unmapped when freed, and the kernel zeroes its pages again
    on first touch: a product of 2048 × 896 by 896 × 4864 then runs at 129 GFLOP/s instead of 270 (docs/lab-notes.md). Not
    Linux or not glibc: nothing is changed.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    try:
        mallopt, malloc, free, madvise = libc.mallopt, libc.malloc, libc.free, libc.madvise
    except AttributeError:
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, NEVER), (M_TOP_PAD, TOP_PAD_BYTES))
    if not all(mallopt(name, value) for name, value in settings):
        return False
    malloc.restype, malloc.argtypes, free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
    madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    # Grow the heap once, while nothing of it is touched, and ask for large pages: growth later would not inherit them.
    size = psutil.virtual_memory().available // 2
    if block := malloc(size):
        first = -(-block // HUGE_PAGE) * HUGE_PAGE
        madvise(first, (block + size - first) // HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE)
        free(block)
    return True
