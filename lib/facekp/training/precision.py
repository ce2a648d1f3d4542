"""Which precision a machine trains in fast."""

import torch

__all__ = ["usable_precision"]

FAST_BFLOAT16 = ("avx512_bf16", "amx_bf16")  # instruction sets of processors


def usable_precision(precision: str) -> str:
    """Return the precision to train in on this machine.

    Without instructions for it, a processor emulates bfloat16 at a fifth of the speed of float32.

    Parameters
    ----------
    precision : str
        Of lightning-fabric, the one wished for.

    Returns
    -------
    str
        "32-true" for "bf16-mixed" where the device that "auto" picks has no bfloat16 of its own;
        else `precision`.
    """
    if precision != "bf16-mixed":
        return precision
    if torch.cuda.is_available():
        able = torch.cuda.is_bf16_supported(including_emulation=False)
    elif torch.backends.mps.is_available():
        able = False  # Fabric's mixed precision knows processors and CUDA alone
    else:
        found = torch.cpu.get_capabilities()
        able = any(found.get(name) for name in FAST_BFLOAT16)
    return precision if able else "32-true"
