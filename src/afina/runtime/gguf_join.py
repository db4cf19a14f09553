"""The parts of a GGUF joined into one file: training, merging and adapters then know only whole files.

ggml writes the head, out of the first part's keys and every part's tensors; the tensors' bytes are copied behind it.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ctypes import byref, c_bool, c_char_p, c_size_t, c_uint16, c_void_p, cast
from pathlib import Path
from typing import Any, BinaryIO

from afina.bases.pull import CHUNK, Say
from afina.bases.shards import parts_of, place_of
from afina.errors import ModelError
from afina.runtime.gguf_header import SIGNATURES as READING
from afina.runtime.gguf_header import InitParams
from afina.runtime.llama import Signatures, declared
from afina.store.paths import MANIFEST, disk_errors, whole_folder, write_json

COUNT = b"split.count"
SIGNATURES: Signatures = {
    **READING,
    "gguf_init_empty": ([], c_void_p),
    "gguf_set_kv": ([c_void_p, c_void_p], None),
    "gguf_set_val_u16": ([c_void_p, c_char_p, c_uint16], None),
    "gguf_add_tensor": ([c_void_p, c_void_p], None),
    "gguf_get_alignment": ([c_void_p], c_size_t),
    "gguf_write_to_file": ([c_void_p, c_char_p, c_bool], c_bool),
    "ggml_get_tensor": ([c_void_p, c_char_p], c_void_p),
    "ggml_free": ([c_void_p], None),
}


def join_parts(path: Path, say: Say) -> Path:
    """Join the parts of a model. Returns the whole file; a second time it is there already.

    Raises:
        ModelError: a part is missing, damaged, or has none of its tensors. DiskFullError: no space left.
    """
    parts = parts_of(path)
    whole = place_of(parts)
    if (whole.parent / MANIFEST).is_file():
        return whole
    with disk_errors(whole.parent), whole_folder(whole.parent) as partial:
        write_joined(parts, partial / whole.name, say)
        write_json(partial / MANIFEST, {"name": str(parts[0].resolve()), "files": [whole.name]})
    return whole


@contextmanager
def open_part(lib: Any, path: Path) -> Iterator[tuple[int, int]]:
    """ggml's two contexts of a part: keys, tensors without data."""
    tensors = c_void_p()
    keys = lib.gguf_init_from_file(str(path).encode(), InitParams(True, cast(byref(tensors), c_void_p)))
    if not keys:
        raise ModelError(f"{path}: the file is cut short or damaged", remedy="fetch this part again")
    try:
        yield keys, int(tensors.value or 0)
    finally:
        lib.gguf_free(keys)
        lib.ggml_free(tensors)


def write_joined(parts: list[Path], out: Path, say: Say) -> None:
    """The head by ggml, then every tensor's bytes with the padding that the head counts on."""
    lib = declared(SIGNATURES)
    with ExitStack() as opened:
        read = [opened.enter_context(open_part(lib, part)) for part in parts]
        whole = lib.gguf_init_empty()
        opened.callback(lib.gguf_free, whole)
        lib.gguf_set_kv(whole, read[0][0])
        lib.gguf_set_val_u16(whole, COUNT, 0)
        for keys, tensors in read:
            for at in range(lib.gguf_get_n_tensors(keys)):
                lib.gguf_add_tensor(whole, lib.ggml_get_tensor(tensors, lib.gguf_get_tensor_name(keys, at)))
        if not lib.gguf_write_to_file(whole, str(out).encode(), True):
            raise OSError(f"{out}: ggml could not write the head")
        alignment = int(lib.gguf_get_alignment(whole))
        with out.open("ab") as sink:
            for number, (part, (keys, _)) in enumerate(zip(parts, read, strict=True)):
                say(number, len(parts), part.name)
                with part.open("rb") as source:
                    copy_tensors(lib, keys, source, sink, alignment)


def copy_tensors(lib: Any, keys: int, source: BinaryIO, sink: BinaryIO, alignment: int) -> None:
    """One part's tensors, each padded.

    Raises:
        ModelError: the part ends before its last tensor does.
    """
    start = lib.gguf_get_data_offset(keys)
    for at in range(lib.gguf_get_n_tensors(keys)):
        size = int(lib.gguf_get_tensor_size(keys, at))
        source.seek(start + lib.gguf_get_tensor_offset(keys, at))
        left = size
        while left:
            if not (chunk := source.read(min(CHUNK, left))):
                raise ModelError(f"{source.name}: the file is cut short", remedy="fetch this part again")
            left -= sink.write(chunk)
        sink.write(bytes(-size % alignment))
