"""The whole export: merge, convert, check the unquantised file, quantise, check the served file, put into place."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from afina.bases.fits import EXPORT_BYTES, EXPORT_REST
from afina.bases.folder import count_weights
from afina.bases.memory import require_available
from afina.chat.render import load_renderer
from afina.errors import DiskFullError, ExportError
from afina.export.merge import merge
from afina.export.modelfile import write_modelfile
from afina.export.parity import Parity, check_parity, require_parity
from afina.export.quantise import quantise
from afina.progress import Tell, unheard
from afina.records import Turn
from afina.settings import RuntimeSettings
from afina.store.paths import disk_errors, free_bytes, read_json, write_json


@dataclass(frozen=True, slots=True)
class Exported:
    """The files of an export and what is known of them."""

    gguf: Path
    modelfile: Path
    card: dict[str, Any]


def require_exportable(folder: Path) -> None:
    """Make sure, before any training time is spent, that what is trained on a base can become a GGUF.

    Architecture and tokenizer are converted, the weights are not read.

    Raises:
        ExportError: they cannot be; says why. ModelError, TemplateError: tokenizer or template cannot be used.
    """
    load_renderer(folder).end_of_turn()
    with tempfile.TemporaryDirectory(prefix="afina-exportable-") as scratch:
        convert(folder, Path(scratch) / "vocabulary.gguf", name=folder.name, kind="vocabulary")


def telling_name(folder: Path, name: str) -> str:
    """The name a GGUF carries inside. llama.cpp takes every model whose name has `phi-3` in it for one whose control
    tokens swallow the blanks behind them, and no other: a tuned Phi-3 must keep that in its name, nobody else may.
    """
    file = folder / "tokenizer_config.json"
    config = read_json(file) if file.is_file() else {}
    listed = folder / "tokenizer.json"
    added = [*config.get("added_tokens_decoder", {}).values()]
    added += read_json(listed).get("added_tokens", []) if listed.is_file() else []
    swallows = any(token.get("special") and token.get("rstrip") for token in added)
    plain = re.sub(r"phi-?3", "phi_3", name, flags=re.IGNORECASE)
    return f"phi-3 {plain}" if swallows else plain


def convert(
    folder: Path, out: Path, *, name: str, kind: str = "f32", end: int | None = None, of: Path | None = None
) -> None:
    """Run the converter as a child process.

    Args:
        kind: f32, f16 or vocabulary.
        end: id of the token that ends an answer.
        of: the model to name in an error, where `folder` is a temporary one made from it.

    Raises:
        ExportError: with the converter's own last line.
    """
    command = [sys.executable, "-m", "afina.export.converter", str(folder), str(out), kind, telling_name(folder, name)]
    done = subprocess.run(command + ([] if end is None else [str(end)]), capture_output=True, text=True)
    if done.returncode != 0 or not out.is_file():
        lines = (done.stderr or done.stdout or "no output").strip().splitlines()
        if "No space left" in done.stderr or free_bytes(out) < 1_000_000:
            raise DiskFullError(f"no space left on the disk that holds {out.parent}")
        if done.returncode < 0:
            raise ExportError(
                f"the converter was ended by signal {-done.returncode}, most likely for want of memory",
                remedy="`afina doctor` says which sizes fit; close other programs and run the same command again",
            )
        raise ExportError(
            f"{of or folder} cannot be converted to GGUF: {lines[-1]}",
            remedy="choose a base of a known family: `afina parity --matrix` lists those that are tested",
        )


def export_model(
    base: Path,
    adapter: Path | None,
    out: Path,
    settings: RuntimeSettings,
    *,
    quantisation: str,
    name: str,
    system: str = "",
    chats: Sequence[Sequence[Turn]] = (),
    tell: Tell = unheard,
) -> Exported:
    """Write `out` (a .gguf path), with `Modelfile` and `out.json` (the card) beside it.

    The file gets its name only after it was shown to answer like the base with the adapter on it.

    Raises:
        ExportError: it does not. ModelError: base or adapter cannot be used, or memory is too small. DiskFullError: no space left.
    """
    if out.is_dir() or out.suffix != ".gguf":
        raise ExportError(f"{out} is no path of a .gguf file", remedy=f"e.g. {out / 'model.gguf'}")
    renderer = load_renderer(base)
    end = renderer.end_id()
    done, total = 0, 3 if quantisation == "f32" else 5

    def say(what: str) -> None:
        nonlocal done
        tell(done, total, what)
        done += 1

    require_available(
        EXPORT_BYTES * count_weights(base) + EXPORT_REST,
        f"exporting {base.name}",
        remedy="close other programs, or use a smaller base: `afina doctor` says which sizes fit; a .gguf needs no export",
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(out), tempfile.TemporaryDirectory(prefix=".export-", dir=out.parent) as scratch:
        merged, plain = Path(scratch) / "merged", Path(scratch) / "f32.gguf"
        say("merge")
        merge(base, adapter, merged)
        say("convert")
        convert(merged, plain, name=name, end=end, of=base)
        shutil.rmtree(merged)
        parity: dict[str, Parity] = {}

        def check(file: Path, kind: str) -> None:
            say(f"parity of the {kind} file")
            log = Path(scratch) / "worker.log"
            parity[kind] = check_parity(base, file, settings, adapter=adapter, quantisation=kind, log=log, chats=chats)
            require_parity(parity[kind], quantisation=kind)

        check(plain, "f32")
        served, types = plain, {"f32": 0}
        if quantisation != "f32":
            say(f"quantise to {quantisation}")
            served = Path(scratch) / "served.gguf"
            types = quantise(plain, served, quantisation=quantisation)
            check(served, quantisation)
        card = make_card(name, quantisation, types, parity, size=served.stat().st_size)
        modelfile = out.with_name("Modelfile")
        text = write_modelfile(out.name, renderer, system=system, adds_bos=parity["f32"].adds_bos)
        modelfile.write_text(text, "utf-8")
        write_json(out.with_name(f"{out.name}.json"), card)
        shutil.move(served, out)
    return Exported(out, modelfile, card)


def make_card(
    name: str, quantisation: str, types: dict[str, int], parity: dict[str, Parity], *, size: int
) -> dict[str, Any]:
    """What is known of a file: its name, types, size, and how it compares with the model it was made from."""
    return {
        "name": name,
        "quantisation": quantisation,
        "tensor_types": types,
        "bytes": size,
        "parity": {kind: asdict(result) for kind, result in parity.items()},
        "ollama": "Modelfile written, not run with Ollama",
    }
