"""Limits that a process puts on itself before it reads what a stranger sent, so that only this process can come to harm.

Memory is limited by what the process can write to (RLIMIT_DATA). The other limit, on addresses (RLIMIT_AS), counts what
libraries reserve and never use: Arrow, DuckDB and the stacks of threads reserve gigabytes.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

MB = 1024**2


def limit_this_process(memory_bytes: int, cpu_seconds: int) -> None:
    """From now on this process may hold `memory_bytes` and compute for `cpu_seconds` more.

    What does not fit raises MemoryError in Python and Arrow and an error in DuckDB; a library that cannot say it ends the
    process. At the end of its time the process gets SIGXCPU, which ends it. No core file is written. It can be called
    again: the time then counts anew. A lower limit of the system stays.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + 1 + cpu_seconds
    for kind, wanted in ((resource.RLIMIT_DATA, memory_bytes), (resource.RLIMIT_CPU, seconds)):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def step_back(niceness: int = 19) -> None:
    """Let other processes go first: whoever looks at a page waits for nothing that this process does."""
    os.nice(niceness)


def peak_memory() -> int:
    """The most memory this process has held so far, in bytes.

    The kernel's own count begins at the size of the process that started this one; where there is /proc, that one does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
