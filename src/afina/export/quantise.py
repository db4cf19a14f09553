"""float32 GGUF → f16, q8_0, q4_0, q4_k_m or q5_k_m, as `llama-quantize` would write it."""

from collections import Counter
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter
from gguf.constants import GGML_QUANT_SIZES

from afina.errors import ExportError
from afina.export.ggml import REPLACEMENT, available, encode
from afina.export.kinds import QUANTISATIONS, tensor_kinds
from afina.store.paths import disk_errors

Kind = GGMLQuantizationType
SKIPPED_KEYS = ("GGUF.", "general.architecture", "general.file_type", "general.quantization_version")
QUANTISATION_VERSION = 2
"""ggml's number for the block layouts in use; it stands in every quantised file."""


def copy_keys(reader: GGUFReader, writer: GGUFWriter) -> None:
    """Every metadata key but those the writer sets itself."""
    for field in reader.fields.values():
        if field.name.startswith(SKIPPED_KEYS):
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)


def row_bytes(shape: tuple[int, ...], kind: GGMLQuantizationType) -> tuple[int, ...]:
    """The shape in bytes of a tensor in a type."""
    block, size = GGML_QUANT_SIZES[kind]
    return (*shape[:-1], shape[-1] // block * size)


def plan_kinds(source: Path, reader: GGUFReader, *, quantisation: str) -> dict[str, GGMLQuantizationType]:
    """The type of every tensor.

    Raises:
        ExportError: the source is not float32, or this machine's runtime cannot write the quantisation.
    """
    if QUANTISATIONS[quantisation].mixed and not available():
        raise ExportError(
            f"{quantisation} needs ggml's quantiser, which this xllamacpp does not export",
            remedy="choose q8_0 or q4_0, or install the pinned xllamacpp",
        )
    for tensor in reader.tensors:
        if tensor.tensor_type is not Kind.F32:
            raise ExportError(f"{source}: {tensor.name} is {tensor.tensor_type.name}, expected float32")
        if len(tensor.shape) > 2:
            raise ExportError(f"{source}: {tensor.name} has experts; mixtures of experts cannot be quantised here")
    shapes = {tensor.name: tuple(tensor.data.shape) for tensor in reader.tensors}
    kinds = tensor_kinds(shapes, quantisation=quantisation)
    return kinds if available() else {name: REPLACEMENT.get(kind, kind) for name, kind in kinds.items()}


def quantise(source: Path, out: Path, *, quantisation: str) -> dict[str, int]:
    """Write `out` (the caller renames it into place). Returns how many tensors got which type.

    One tensor at a time is in memory.

    Raises:
        ExportError: see `plan_kinds`.
    """
    reader = GGUFReader(source)
    kinds = plan_kinds(source, reader, quantisation=quantisation)
    with disk_errors(out):
        writer = GGUFWriter(out, reader.fields["general.architecture"].contents())
        copy_keys(reader, writer)
        writer.add_quantization_version(QUANTISATION_VERSION)
        writer.add_file_type(QUANTISATIONS[quantisation].file_type)
        for tensor in reader.tensors:
            shape, kind = tuple(tensor.data.shape), kinds[tensor.name]
            in_bytes = row_bytes(shape, kind)
            writer.add_tensor_info(tensor.name, in_bytes, np.dtype(np.uint8), int(np.prod(in_bytes)), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for tensor in reader.tensors:
            writer.write_tensor_data(encode(np.asarray(tensor.data, dtype=np.float32), kinds[tensor.name]))
        writer.close()
    return dict(Counter(kind.name.lower() for kind in kinds.values()))
