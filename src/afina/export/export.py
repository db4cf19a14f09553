"""The whole export: merge, convert, check the unquantised file, quantise, check the served file, put into place."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from afina.bases.fits import EXPORT_BYTES, EXPORT_REST
from afina.bases.folder import count_weights
from afina.bases.memory import require_available
from afina.chat.render import load_renderer
from afina.errors import DiskFullError, ExportError
from afina.export.merge import Trained, merge
from afina.export.modelfile import Source, write_modelfile
from afina.export.parity import Check, Parity, check_parity, require_parity
from afina.export.quantise import quantise
from afina.progress import Tell, unheard
from afina.settings import Form, RuntimeSettings
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
        convert(folder, Path(scratch) / "vocabulary.gguf", Conversion(name=folder.name, kind="vocabulary"))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """How a folder becomes a GGUF.

    Args:
        name: what the file calls itself inside.
        kind: f32, f16 or vocabulary.
        end: id of the token that ends an answer.
        of: the model to name in an error, where the folder is a temporary one made from it.
    """

    name: str
    kind: str = "f32"
    end: int | None = None
    of: Path | None = None


def convert(folder: Path, out: Path, how: Conversion) -> None:
    """Run the converter as a child process.

    Raises:
        ExportError: with the converter's own last line.
    """
    name = telling_name(folder, how.name)
    command = [sys.executable, "-m", "afina.export.converter", str(folder), str(out), how.kind, name]
    command += [] if how.end is None else [str(how.end)]
    done = subprocess.run(command, capture_output=True, text=True)
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
            f"{how.of or folder} cannot be converted to GGUF: {lines[-1]}",
            remedy="choose a base of a known family: `afina parity --matrix` lists those that are tested",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is wanted: the weights' type, the name inside, the system prompt of the Modelfile; of a GGUF base also whether the adapter
    stays one or is merged.
    """

    quantisation: str
    name: str
    system: str = ""
    form: Form = "merged"


def export_model(
    trained: Trained, out: Path, settings: RuntimeSettings, target: Target, *, tell: Tell = unheard
) -> Exported:
    """Write `out` (a .gguf path), with `Modelfile` and `out.json` (the card) beside it.

    The file gets its name only after it was shown to answer like the base with the adapter on it.

    Raises:
        ExportError: it does not. ModelError: base or adapter cannot be used, or memory is too small. DiskFullError: no space left.
    """
    if out.is_dir() or out.suffix != ".gguf":
        raise ExportError(f"{out} is no path of a .gguf file", remedy=f"e.g. {out / 'model.gguf'}")
    renderer = load_renderer(trained.base)
    end = renderer.end_id()
    require_available(
        EXPORT_BYTES * count_weights(trained.base) + EXPORT_REST,
        f"exporting {trained.base.name}",
        remedy="close other programs, or use a smaller base: `afina doctor` says which sizes fit; a .gguf needs no export",
    )
    steps = counted(tell, 3 if target.quantisation == "f32" else 5)
    out.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(out), tempfile.TemporaryDirectory(prefix=".export-", dir=out.parent) as scratch:
        how = Conversion(name=target.name, end=end, of=trained.base)
        plain = merged_file(trained, Path(scratch), how, steps=steps)
        served, types, parity = checked_file(trained, plain, settings, target.quantisation, steps=steps)
        card = make_card(target.name, target.quantisation, types, parity, size=served.stat().st_size)
        modelfile = out.with_name("Modelfile")
        text = write_modelfile(
            Source(f"./{out.name}", context=settings.context),
            renderer,
            system=target.system,
            adds_bos=parity["f32"].adds_bos,
        )
        modelfile.write_text(text, "utf-8")
        write_json(out.with_name(f"{out.name}.json"), card)
        shutil.move(served, out)
    return Exported(out, modelfile, card)


Steps = Callable[[str], None]
"""Told of each step when it begins."""


def counted(tell: Tell, total: int) -> Steps:
    """Steps that count themselves."""
    done = iter(range(total + 1))
    return lambda what: tell(next(done), total, what)


def merged_file(trained: Trained, scratch: Path, how: Conversion, *, steps: Steps) -> Path:
    """The unquantised file of the base with the adapter merged into it."""
    merged, plain = scratch / "merged", scratch / "f32.gguf"
    steps("merge")
    merge(trained.base, trained.adapter, merged)
    steps("convert")
    convert(merged, plain, how)
    shutil.rmtree(merged)
    return plain


def checked_file(
    trained: Trained, plain: Path, settings: RuntimeSettings, quantisation: str, *, steps: Steps
) -> tuple[Path, dict[str, int], dict[str, Parity]]:
    """The served file beside the unquantised one, the types of its weights, and how both compare with the model.

    Raises:
        ExportError: one of them does not answer like the model.
    """
    parity: dict[str, Parity] = {}

    def check(file: Path, kind: str) -> None:
        steps(f"parity of the {kind} file")
        parity[kind] = check_parity(
            trained, file, settings, Check(quantisation=kind, log=plain.with_name("worker.log"))
        )
        require_parity(parity[kind], quantisation=kind)

    check(plain, "f32")
    if quantisation == "f32":
        return plain, {"f32": 0}, parity
    steps(f"quantise to {quantisation}")
    served = plain.with_name("served.gguf")
    types = quantise(plain, served, quantisation=quantisation)
    check(served, quantisation)
    return served, types, parity


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
