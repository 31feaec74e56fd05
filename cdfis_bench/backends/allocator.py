"""Memory that a process keeps instead of handing it back between two steps."""

import ctypes
import sys

# Of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_MMAP_THRESHOLD = 1 << 25  # glibc takes no more
_NEVER = (1 << 31) - 1


def keep_freed_memory() -> bool:
    """Makes blocks of up to 32 MB come from memory that was freed before; returns whether it could.

    Linux hands out new memory page by page, filled with zeros. Left alone, one process in three
    gives the activations of every step back and asks for them again, which takes a sixth of a
    PatchCamelyon step. Elsewhere than on glibc nothing happens, which costs time only.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(
        mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD) and mallopt(_TRIM_THRESHOLD, _NEVER)
    )
