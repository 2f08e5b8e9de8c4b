"""Freed memory is kept: an array of the size of one before takes no new pages."""

import subprocess
import sys

import pytest

_FAULTS = """
import resource
{before}
for _ in range(3):
    began = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = b"x" * 2**26
    del block
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - began)
"""
_KEPT = "from flexae_tf.training import allocation; allocation.keep_freed_memory()"


def page_faults(before):
    """Page faults of the third of three blocks of 16,384 pages, in a process of its own."""
    script = _FAULTS.format(before=before)
    command = [sys.executable, "-c", script]
    return int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's settings")
def test_memory_is_kept():
    assert page_faults("") > 10_000
    assert page_faults(_KEPT) < 100
