"""Parts of a GGUF become one file with the same tensors and keys."""

from pathlib import Path

import pytest
from gguf import GGUFReader, GGUFWriter

from afina.bases import resolve_base
from afina.bases.shards import parts_of
from afina.errors import DiskFullError, ModelError
from afina.export.quantise import copy_keys
from afina.runtime.gguf_file import check_gguf
from afina.runtime.gguf_header import open_keys
from afina.runtime.gguf_join import join_parts
from afina.runtime.renderer import renderer_of
from tests.integration.conftest import FamilyFile
from tests.integration.store.test_paths import small_disk

__all__ = ["small_disk"]


@pytest.fixture
def parts(family_file: FamilyFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A model in parts of eight tensors, as gguf's own writer splits it."""
    monkeypatch.setenv("AFINA_HOME", str(tmp_path / "home"))
    reader = GGUFReader(family_file("qwen2", "q8_0"))
    writer = GGUFWriter(tmp_path / "small.gguf", "qwen2", split_max_tensors=8)
    copy_keys(reader, writer)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return sorted(tmp_path.glob("small-*-of-*.gguf"))


def test_the_joined_file_is_the_model(parts: list[Path], family_file: FamilyFile) -> None:
    """Same tensors to the byte, same tokenizer; the name of a part leads to it, and a second join finds it there."""
    assert len(parts) > 2
    with pytest.raises(ModelError, match="one of 4 parts"):
        resolve_base(str(parts[1]))
    whole = join_parts(parts[1], lambda *_: None)
    plain = family_file("qwen2", "q8_0")
    found = {one.name: (one.kind, one.shape, one.rows(whole).tobytes()) for one in check_gguf(whole)}

    assert found == {one.name: (one.kind, one.shape, one.rows(plain).tobytes()) for one in check_gguf(plain)}
    assert resolve_base(str(parts[0])) == whole == join_parts(parts[2], lambda *_: None)
    assert renderer_of(whole).ids("hola mundo") == renderer_of(plain).ids("hola mundo")
    with open_keys(whole) as keys:
        assert keys.number("split.count") == 0


def test_a_part_that_is_missing_or_cut_is_named(parts: list[Path]) -> None:
    """Nothing half joined is left."""
    parts[2].write_bytes(parts[2].read_bytes()[:-200])
    with pytest.raises(ModelError, match=parts[2].name):
        join_parts(parts[0], lambda *_: None)
    with pytest.raises(ModelError, match="one of 4 parts"):
        resolve_base(str(parts[0]))
    parts[2].unlink()
    with pytest.raises(ModelError, match=rf"{parts[2].name}: no such file"):
        resolve_base(str(parts[0]))


def test_no_room_for_the_joined_file(parts: list[Path], small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said in words; the parts stay as they are."""
    monkeypatch.setenv("AFINA_HOME", str(small_disk / "home"))
    with pytest.raises(DiskFullError):
        join_parts(parts[0], lambda *_: None)
    assert len(parts_of(parts[0])) == len(parts)
