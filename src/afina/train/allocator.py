"""What the process does with freed memory: give it back while loading, keep it in large pages while training.

Where memory is short, holes are given back while training too.
"""

import ctypes
import functools
import gc
import sys
from typing import Any

import psutil

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -2, -3, -4  # <malloc.h>
NEVER = -1
TOP_PAD_BYTES = 64 * 2**20
MAPPED_BYTES, MMAP_MAX_DEFAULT = 2**20, 65536
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


@functools.cache
def return_freed_memory() -> bool:
    """Tell glibc to map every block of a megabyte or more by itself, so that freeing it frees it. Returns whether it listened.

    For loading: by default the limit grows with the blocks that are freed, up to 32 MB; weights then lie in the heap between
    the holes that converting them left, and the holes stay resident.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
        return bool(mallopt(M_MMAP_MAX, MMAP_MAX_DEFAULT) and mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES))
    except AttributeError:
        return False


TOP_STAYS = 2**42


def release_holes(decoder: Any) -> None:
    """From now on give the holes in the heap back to the system before every layer, in both directions.

    glibc before 2.38 seldom reuses the hole of an aligned block, and torch aligns all: of a heap that grew to 2.1 GB half
    was holes. One call takes 5 ms, and the pages have to come back (docs/lab-notes.md).
    """
    libc = ctypes.CDLL(None)
    if not sys.platform.startswith("linux") or not hasattr(libc, "malloc_trim"):
        return
    libc.malloc_trim.argtypes = [ctypes.c_size_t]

    def trim(*_: Any) -> None:
        libc.malloc_trim(TOP_STAYS)

    for layer in decoder.layers:  # a hook of the layer itself would lie outside of what is recomputed
        layer.self_attn.register_forward_pre_hook(trim)


def start_afresh() -> None:
    """Give back what an earlier training in this process left: its model is a web of closures that only the collector unties."""
    gc.collect()
    libc = ctypes.CDLL(None)
    if sys.platform.startswith("linux") and hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
        keep_freed_memory.cache_clear()  # the heap's end went back too, and with it the request for large pages
        return_freed_memory.cache_clear()
