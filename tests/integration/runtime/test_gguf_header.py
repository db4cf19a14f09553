"""A GGUF's keys and tensors as ggml reads them, against the `gguf` package."""

from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader

from afina.errors import ModelError
from afina.runtime.gguf_file import check_gguf, gguf_facts
from afina.runtime.gguf_header import open_keys


def test_keys_and_tensors_are_the_packages(gguf: Path) -> None:
    """Texts, numbers, lists, shapes and the bytes of every tensor."""
    reader = GGUFReader(gguf)
    with open_keys(gguf) as keys:
        assert keys.text("general.architecture") == reader.fields["general.architecture"].contents()
        assert keys.text("no.such.key") is None
        assert keys.number("qwen2.block_count") == reader.fields["qwen2.block_count"].contents()
        assert keys.number("general.architecture") is None
        types = keys.numbers("tokenizer.ggml.token_type")
        assert types is not None
        assert types.tolist() == reader.fields["tokenizer.ggml.token_type"].contents()
        tokens = reader.fields["tokenizer.ggml.tokens"].contents()
        assert keys.texts("tokenizer.ggml.tokens", [0, 300, 8191]) == [tokens[0], tokens[300], tokens[8191]]
        found = {tensor.name: tensor for tensor in keys.tensors()}

    assert found.keys() == {tensor.name for tensor in reader.tensors}
    for tensor in reader.tensors:
        own = found[tensor.name]
        assert (own.kind, own.shape[1], own.size) == (tensor.tensor_type, int(tensor.shape[0]), int(tensor.n_bytes))
        assert np.array_equal(own.rows(gguf).reshape(-1), tensor.data.view(np.uint8).reshape(-1))


def test_what_a_file_says_of_itself(gguf: Path) -> None:
    """Architecture, type, size, and the control tokens that users must not be able to write."""
    facts = gguf_facts(gguf)
    assert (facts.architecture, facts.quantisation) == ("qwen2", "ALL_F32")
    assert {"<|im_start|>", "<|im_end|>"} <= facts.control


@pytest.mark.parametrize("size", [0, 3, 4, 24, 1000, 200_000])
def test_a_file_that_is_cut_is_refused(gguf: Path, tmp_path: Path, size: int) -> None:
    """Wherever it ends: in the magic number, the keys, the tensors' names, their data."""
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(gguf.read_bytes()[:size])
    with pytest.raises(ModelError, match=r"cut\.gguf: (not a GGUF file|the file is cut short)"):
        check_gguf(cut)


def test_every_single_byte_of_the_head_may_be_wrong(gguf: Path, tmp_path: Path) -> None:
    """Nothing but an error of ours, or a file that is read: never a crash."""
    whole = gguf.read_bytes()
    for at in range(4, 600, 7):
        bad = tmp_path / "bad.gguf"
        bad.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            check_gguf(bad)
        except ModelError:
            continue
