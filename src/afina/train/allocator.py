"""Keep freed memory in the process instead of giving it back to the system after every tensor."""

import ctypes
import functools
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # <malloc.h>
NEVER = -1
TOP_PAD_BYTES = 64 * 2**20


@functools.cache
def keep_freed_memory() -> bool:
    """Tell glibc to serve large blocks from its heap and never to trim it. Returns whether it listened.

    By default every activation (tens of MB) is mapped anew and unmapped when freed, and the kernel zeroes its pages again
    on first touch: a product of 2048 × 896 by 896 × 4864 then runs at 129 GFLOP/s instead of 270 (docs/lab-notes.md). Not
    Linux or not glibc: nothing is changed.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return all(
        mallopt(name, value) for name, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, NEVER), (M_TOP_PAD, TOP_PAD_BYTES))
    )
