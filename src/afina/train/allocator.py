"""What the process does with freed memory: give it back while loading, keep it in large pages while training.

Where memory is short, it is given back while training too: of a heap that grew to 2.1 GB half was holes, because glibc before 2.38 seldom
reuses the hole of an aligned block, and torch aligns all.
"""

import ctypes
import gc
import sys

import psutil

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -2, -3, -4  # <malloc.h>
NEVER = -1
TOP_PAD_BYTES = 64 * 2**20
MAPPED_BYTES, MMAP_MAX_DEFAULT = 2**20, 65536
MADV_HUGEPAGE = 14  # <sys/mman.h>
HUGE_PAGE = 2 * 2**20
HABIT = {"freed memory": ""}
"""What was asked for last: growing the heap a second time would only cost time."""


def keep_freed_memory() -> bool:
    """Tell glibc to serve large blocks from its heap and never to trim it. Returns whether it listened.

    By default every activation (tens of MB) is mapped anew and unmapped when freed, and the kernel zeroes its pages again
    on first touch: a product of 2048 × 896 by 896 × 4864 then runs at 129 GFLOP/s instead of 270 (docs/lab-notes.md). Not
    Linux or not glibc: nothing is changed.
    """
    if not sys.platform.startswith("linux"):
        return False
    if HABIT["freed memory"] == "kept":
        return True
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
    HABIT["freed memory"] = "kept"
    return True


def return_freed_memory() -> bool:
    """Tell glibc to map every block of a megabyte or more by itself, so that freeing it frees it. Returns whether it listened.

    For loading, and for training where memory is short: by default the limit grows with the blocks that are freed, up to 32 MB;
    weights then lie in the heap between the holes that converting them left, and the holes stay resident.
    """
    if not sys.platform.startswith("linux"):
        return False
    HABIT["freed memory"] = "returned"
    try:
        mallopt = ctypes.CDLL(None).mallopt
        return bool(mallopt(M_MMAP_MAX, MMAP_MAX_DEFAULT) and mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES))
    except AttributeError:
        return False


def start_afresh() -> None:
    """Give back what an earlier training in this process left: its model is a web of closures that only the collector unties."""
    gc.collect()
    libc = ctypes.CDLL(None)
    if sys.platform.startswith("linux") and hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
        HABIT["freed memory"] = ""  # the heap's end went back too, and with it the request for large pages
