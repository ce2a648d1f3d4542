import pytest
import torch

from facekp.training import usable_precision


@pytest.fixture
def processor(monkeypatch):
    def with_instructions(**found):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)

    return with_instructions


@pytest.mark.parametrize("instructions", ["avx512_bf16", "amx_bf16"])
def test_a_processor_with_bfloat16_computes_in_it(processor, instructions):
    processor(avx2=True, **{instructions: True})
    assert usable_precision("bf16-mixed") == "bf16-mixed"


def test_a_processor_without_it_computes_in_float32(processor):
    processor(avx2=True, avx512_bf16=False)
    assert usable_precision("bf16-mixed") == "32-true"


def test_a_gpu_is_asked_itself(processor, monkeypatch):
    processor(avx512_bf16=True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    assert usable_precision("bf16-mixed") == "32-true"


def test_apples_gpu_computes_in_float32(processor, monkeypatch):
    processor(avx512_bf16=True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert usable_precision("bf16-mixed") == "32-true"


def test_what_is_not_bfloat16_is_left_alone(processor):
    processor()
    assert usable_precision("64-true") == "64-true"
