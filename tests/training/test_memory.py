import platform
import subprocess
import sys

import pytest

PAGES = """
import resource
import torch
from facekp.training import keep_freed_memory

def new_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(2**24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = new_pages()
keep_freed_memory()
new_pages()  # glibc finds its places
print(before, new_pages())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_memory_is_used_again_without_new_pages():
    command = [sys.executable, "-c", PAGES]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    before, after = map(int, out.split())
    assert after < before / 10
