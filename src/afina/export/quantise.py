"""float32 GGUF → f16, q8_0 or q4_0, with the `gguf` package's own quantisers (the reference layouts of ggml)."""

from collections import Counter
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType
from gguf.quants import quantize

from afina.errors import ExportError
from afina.store.paths import disk_errors

Kind = GGMLQuantizationType
KINDS = {"f16": Kind.F16, "q8_0": Kind.Q8_0, "q4_0": Kind.Q4_0}
FILE_TYPES = {
    "f32": LlamaFileType.ALL_F32,
    "f16": LlamaFileType.MOSTLY_F16,
    "q8_0": LlamaFileType.MOSTLY_Q8_0,
    "q4_0": LlamaFileType.MOSTLY_Q4_0,
}
BLOCK = 32
SKIPPED_KEYS = ("GGUF.", "general.architecture", "general.file_type")


def tensor_kind(name: str, shape: tuple[int, ...], quantisation: str) -> GGMLQuantizationType:
    """The type a tensor gets. Vectors (norms, biases) stay float32, as llama.cpp keeps them.

    The output matrix and the embedding decide every logit and get 8 bits even in a 4-bit file. Rows that are no
    multiple of the block length become float16.
    """
    if len(shape) < 2:
        return Kind.F32
    kind = KINDS[quantisation]
    if kind is Kind.F16:
        return kind
    if shape[-1] % BLOCK:
        return Kind.F16
    return Kind.Q8_0 if name in {"token_embd.weight", "output.weight"} else kind


def copy_keys(reader: GGUFReader, writer: GGUFWriter) -> None:
    """Every metadata key but those the writer sets itself."""
    for field in reader.fields.values():
        if field.name.startswith(SKIPPED_KEYS):
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)


def quantise(source: Path, out: Path, *, quantisation: str) -> dict[str, int]:
    """Write `out` (the caller renames it into place). Returns how many tensors got which type.

    Raises:
        ExportError: the source is not float32.
    """
    reader = GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    counts: Counter[str] = Counter()
    with disk_errors(out):
        writer = GGUFWriter(out, architecture)
        copy_keys(reader, writer)
        writer.add_file_type(FILE_TYPES[quantisation])
        for tensor in reader.tensors:
            if tensor.tensor_type is not Kind.F32:
                raise ExportError(f"{source}: {tensor.name} is {tensor.tensor_type.name}, expected float32")
            data = np.asarray(tensor.data, dtype=np.float32)
            kind = tensor_kind(tensor.name, data.shape, quantisation)
            counts[kind.name.lower()] += 1
            writer.add_tensor(tensor.name, quantize(data, kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    return dict(counts)
