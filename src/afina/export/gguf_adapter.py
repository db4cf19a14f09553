"""A PEFT adapter as llama.cpp reads it: a GGUF of a few megabytes that is served on the base that it was trained on."""

from pathlib import Path

import numpy as np
import torch
from gguf import GGUFWriter, Keys, LlamaFileType

from afina.bases.folder import base_mark
from afina.errors import ExportError
from afina.export.gguf_merge import WORDS, Factors, read_adapter, require_places
from afina.runtime.gguf_config import gguf_config
from afina.runtime.gguf_model import Found, in_files_order, matrices
from afina.runtime.served import BASE, MARK
from afina.store.paths import disk_errors


def write_adapter_gguf(base: Path, adapter: Path, out: Path, *, name: str) -> int:
    """Write `out` (the caller renames it into place): float16, with the base's path and mark. Returns how many matrices it is on.

    Raises:
        ModelError: the adapter is missing, damaged, of another base, or on something that the file does not have.
        ExportError: it is on word vectors.
    """
    places, factors = matrices(base), read_adapter(base, adapter)
    require_places(adapter, factors, places, base)
    if apart := [one for one in factors if one.endswith(WORDS)]:  # llama.cpp's form of these is another one
        raise ExportError(
            f"{adapter}: an adapter on {apart[0]} is not served beside its base", remedy='set [export] form = "merged"'
        )
    with disk_errors(out):
        writer = GGUFWriter(out, gguf_config(base).architecture)
        writer.add_type("adapter")
        writer.add_name(name)
        writer.add_string(Keys.Adapter.TYPE, "lora")
        writer.add_float32(Keys.Adapter.LORA_ALPHA, alpha_of(factors))
        writer.add_file_type(LlamaFileType.MOSTLY_F16)
        writer.add_string(BASE, str(base))
        writer.add_string(MARK, base_mark(base))
        for module, found in factors.items():
            add(writer, places[module], found)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    return len(factors)


def alpha_of(factors: dict[str, Factors]) -> float:
    """llama.cpp multiplies by alpha / rank, of one alpha for all.

    Raises:
        ExportError: matrices have scales of their own.
    """
    scales = {one.scale * len(one.a) for one in factors.values()}
    if len(scales) != 1:
        raise ExportError("the adapter's matrices have different scales", remedy='set [export] form = "merged"')
    return scales.pop()


def add(writer: GGUFWriter, place: Found, factors: Factors) -> None:
    """A (rank, in) and B (out, rank) of one matrix; B's rows in the file's order."""
    name = place.tensor.name
    for end, value in (("lora_a", factors.a), ("lora_b", in_files_order(factors.b, place.heads))):
        writer.add_tensor(f"{name}.{end}", half(value))


def half(value: torch.Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
    """As float16.

    Raises:
        ExportError: a number is too large for it.
    """
    found = value.to(torch.float16)
    if not torch.isfinite(found).all():
        raise ExportError("the adapter has numbers beyond float16", remedy='set [export] form = "merged"')
    return found.contiguous().numpy()
