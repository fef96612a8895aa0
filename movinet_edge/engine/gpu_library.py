"""Tells whether LiteRT's CompiledModel would end the process on this processor, before anybody makes one.

Every CompiledModel loads the GPU library that lies beside it in LiteRT's wheel, whatever it is asked to run on. In the
wheels for ARM that library needs the atomic instructions of ARMv8.1 (LSE) and raises SIGILL where they are missing, as
on the Cortex-A53 and A72 of a Raspberry Pi 3 and 4. Seen with ai-edge-litert 2.3.0; without the file all is well.
"""

import importlib.util
import platform
from pathlib import Path

_LIBRARY = "libLiteRtWebGpuAccelerator.so"
_CPUINFO = Path("/proc/cpuinfo")
_ATOMICS = "atomics"
"""The kernel's name for LSE among a processor's features."""


def why_not_compiled_model() -> str | None:
    """The reason why a CompiledModel must not be made here, with what would help; None where it may be."""
    package = importlib.util.find_spec("ai_edge_litert")
    folders = list(package.submodule_search_locations or ()) if package else []
    libraries = [library for folder in folders if (library := Path(folder) / _LIBRARY).exists()]
    if not libraries or platform.machine() != "aarch64" or _has_atomics(_CPUINFO):
        return None
    return (
        f"LiteRT's {_LIBRARY} would end the process on this processor, which has no LSE atomics; "
        f"nothing here needs that file: remove {libraries[0]}"
    )


def _has_atomics(cpuinfo: Path) -> bool:
    """True where the kernel says so for every processor."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False  # hidden by a sandbox: better slow than gone
    features = [line.partition(":")[2].split() for line in lines if line.startswith("Features")]
    return bool(features) and all(_ATOMICS in names for names in features)
