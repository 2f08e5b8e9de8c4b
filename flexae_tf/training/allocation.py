"""What the C library does with memory that TensorFlow gives back."""

import ctypes

# Parameters of mallopt(3), from malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8


def keep_freed_memory() -> None:
    """Makes malloc keep what is freed for the next iteration instead of giving it to the kernel.

    By default glibc maps every large array anew and unmaps it when it is freed, and the kernel
    zeroes its pages each time; and every thread would keep a heap of its own. Where the C library
    is another one, nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 2**31 - 1)
        mallopt(_TRIM_THRESHOLD, -1)
        mallopt(_TOP_PAD, 2**26)
        mallopt(_ARENA_MAX, 1)
