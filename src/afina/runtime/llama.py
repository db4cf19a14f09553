"""llama.cpp in this process, through the C functions that xllamacpp's library exports: what its server has no request for.

The parameters of models and contexts are structures that change from version to version. They are passed as blocks of bytes that
llama.cpp itself fills with its defaults; only the first numbers of a context's are set, whose places are looked at first.
"""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_bool,
    c_byte,
    c_char_p,
    c_float,
    c_int8,
    c_int32,
    c_size_t,
    c_uint32,
    c_void_p,
)
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import xllamacpp

from afina.errors import ModelError, RuntimeFailedError

DEFAULTS = (512, 2048, 512, 1)
"""n_ctx, n_batch, n_ubatch and n_seq_max as llama.cpp sets them: by these a context's parameters are known again."""
SILENT = CFUNCTYPE(None, c_int32, c_char_p, c_void_p)(lambda _level, _text, _data: None)
"""Takes what llama.cpp says while it reads a file: it is not for the terminal."""
LONGEST_PASS = 512
"""Tokens computed at once (n_ubatch)."""


class Block(Structure):
    """A structure of llama.cpp's, passed by value: larger than any version's, of which it reads what is its own."""

    _fields_ = (("bytes", c_byte * 1024),)


class Batch(Structure):
    """Tokens to decode, with the places whose logits are wanted."""

    _fields_ = (
        ("n_tokens", c_int32),
        ("token", POINTER(c_int32)),
        ("embd", POINTER(c_float)),
        ("pos", POINTER(c_int32)),
        ("n_seq_id", POINTER(c_int32)),
        ("seq_id", POINTER(POINTER(c_int32))),
        ("logits", POINTER(c_int8)),
    )


Signatures = dict[str, tuple[list[object], object]]
SIGNATURES: Signatures = {
    "llama_backend_init": ([], None),
    "llama_log_set": ([c_void_p, c_void_p], None),
    "llama_model_default_params": ([], Block),
    "llama_context_default_params": ([], Block),
    "llama_model_load_from_file": ([c_char_p, Block], c_void_p),
    "llama_init_from_model": ([c_void_p, Block], c_void_p),
    "llama_model_get_vocab": ([c_void_p], c_void_p),
    "llama_model_chat_template": ([c_void_p, c_char_p], c_char_p),
    "llama_tokenize": ([c_void_p, c_char_p, c_int32, POINTER(c_int32), c_int32, c_bool, c_bool], c_int32),
    "llama_vocab_get_text": ([c_void_p, c_int32], c_char_p),
    "llama_vocab_get_attr": ([c_void_p, c_int32], c_int32),
    "llama_vocab_bos": ([c_void_p], c_int32),
    "llama_vocab_eos": ([c_void_p], c_int32),
    "llama_vocab_pad": ([c_void_p], c_int32),
    "llama_vocab_n_tokens": ([c_void_p], c_int32),
    "llama_get_memory": ([c_void_p], c_void_p),
    "llama_memory_clear": ([c_void_p, c_bool], None),
    "llama_set_n_threads": ([c_void_p, c_int32, c_int32], None),
    "llama_batch_init": ([c_int32, c_int32, c_int32], Batch),
    "llama_batch_free": ([Batch], None),
    "llama_decode": ([c_void_p, Batch], c_int32),
    "llama_get_logits_ith": ([c_void_p, c_int32], POINTER(c_float)),
    "llama_adapter_lora_init": ([c_void_p, c_char_p], c_void_p),
    "llama_set_adapters_lora": ([c_void_p, POINTER(c_void_p), c_size_t, POINTER(c_float)], c_int32),
    "llama_free": ([c_void_p], None),
    "llama_model_free": ([c_void_p], None),
}
"""Function → types of its arguments and of its result."""


@cache
def library() -> ctypes.CDLL:
    """The library, with the types of what is called in it.

    Raises:
        RuntimeFailedError: this xllamacpp does not export a function.
    """
    found = declared(SIGNATURES)
    found.llama_log_set(SILENT, None)
    found.llama_backend_init()
    return found


def speak() -> None:
    """Let llama.cpp write to standard error after all: in a process whose standard error is a log."""
    library().llama_log_set(None, None)


@cache
def shared_object() -> ctypes.CDLL:
    """xllamacpp's library, which holds llama.cpp and ggml."""
    return ctypes.CDLL(next(str(path) for path in Path(xllamacpp.__path__[0]).glob("xllamacpp*.so")))


def declared(signatures: Signatures) -> ctypes.CDLL:
    """The library, with the types of some of its functions told.

    Raises:
        RuntimeFailedError: this xllamacpp does not export one of them.
    """
    found = shared_object()
    for name, (arguments, result) in signatures.items():
        function = getattr(found, name, None)
        if function is None:
            raise RuntimeFailedError(f"this xllamacpp does not export {name}", remedy="run `make install`")
        function.argtypes, function.restype = arguments, result
    return found


VOCAB_ONLY = 72
"""Place of `vocab_only` among a model's parameters; the byte two behind it, `use_extra_bufts`, is 1 by default."""


@lru_cache(maxsize=4)
def vocabulary_of(gguf: Path) -> tuple[int, int]:
    """A model without its weights, and its vocabulary. Kept while the process runs: reading 150,000 tokens takes a second.

    Raises:
        ModelError: llama.cpp does not read the file. RuntimeFailedError: another version of xllamacpp.
    """
    lib = library()
    params = lib.llama_model_default_params()
    flags = memoryview(params).cast("B")
    if bytes(flags[VOCAB_ONLY : VOCAB_ONLY + 3]) != b"\0\0\1":
        raise RuntimeFailedError("this xllamacpp orders a model's parameters otherwise", remedy="run `make install`")
    flags[VOCAB_ONLY] = 1
    model = lib.llama_model_load_from_file(str(gguf).encode(), params)
    if not model:
        raise ModelError(f"{gguf}: llama.cpp does not read its tokenizer", remedy="take another file of this model")
    return model, lib.llama_model_get_vocab(model)


class LoadedGguf:
    """A GGUF with a context for one text at a time. `context`: most tokens of a text."""

    def __init__(self, model: int, handle: int, *, context: int) -> None:
        self.model, self.handle, self.context = model, handle, context
        self.vocabulary = int(library().llama_vocab_n_tokens(library().llama_model_get_vocab(model)))
        self.batch = library().llama_batch_init(context, 0, 1)

    def log_likelihood(self, ids: Sequence[int], first: int) -> float:
        """Sum of the log-probabilities of the tokens from `first` on, each after all before it, in nats. One pass.

        Raises:
            RuntimeFailedError: the text is longer than the context, or could not be computed.
        """
        if not 0 < first <= len(ids):
            msg = f"first is {first} of {len(ids)} tokens"
            raise ValueError(msg)
        if len(ids) > self.context:
            raise RuntimeFailedError(f"{len(ids)} tokens, the context has room for {self.context}", remedy="")
        lib, batch = library(), self.batch
        lib.llama_memory_clear(lib.llama_get_memory(self.handle), True)
        read = ids[:-1]
        batch.n_tokens = len(read)
        for at, token in enumerate(read):
            batch.token[at], batch.pos[at], batch.n_seq_id[at], batch.seq_id[at][0] = token, at, 1, 0
            batch.logits[at] = at >= first - 1
        if read and (code := lib.llama_decode(self.handle, batch)):
            raise RuntimeFailedError(f"llama.cpp could not compute {len(ids)} tokens (code {code})", remedy="")
        return sum(self.log_probability(at, ids[at + 1]) for at in range(first - 1, len(read)))

    def log_probability(self, at: int, token: int) -> float:
        """Of a token after the text up to place `at` of the last pass, in nats."""
        row = np.ctypeslib.as_array(library().llama_get_logits_ith(self.handle, at), shape=(self.vocabulary,))
        logits = row.astype(np.float64)
        top = logits.max()
        return float(logits[token] - top - np.log(np.exp(logits - top).sum()))

    def close(self) -> None:
        """Give everything back."""
        lib = library()
        lib.llama_batch_free(self.batch)
        lib.llama_free(self.handle)
        lib.llama_model_free(self.model)


@contextmanager
def loaded(gguf: Path, *, context: int, threads: int, adapter: Path | None = None) -> Iterator[LoadedGguf]:
    """A GGUF, with an adapter on it or without, for as long as the block runs, mapped: a server of the same file shares its pages.

    Raises:
        RuntimeFailedError: it does not load.
    """
    lib = library()
    model = lib.llama_model_load_from_file(str(gguf).encode(), lib.llama_model_default_params())
    if not model:
        raise RuntimeFailedError(f"{gguf.name} did not load")
    params = lib.llama_context_default_params()
    numbers = (c_uint32 * len(DEFAULTS)).from_buffer(params)
    if tuple(numbers) != DEFAULTS:
        raise RuntimeFailedError("this xllamacpp orders a context's parameters otherwise", remedy="run `make install`")
    numbers[:] = [context, context, min(context, LONGEST_PASS), 1]
    handle = lib.llama_init_from_model(model, params)
    if not handle:
        lib.llama_model_free(model)
        raise RuntimeFailedError(f"{gguf.name}: no room for a context of {context} tokens")
    lib.llama_set_n_threads(handle, threads, threads)
    if adapter is not None:
        put_on(model, handle, adapter)
    found = LoadedGguf(model, handle, context=context)
    try:
        yield found
    finally:
        found.close()


def put_on(model: int, handle: int, adapter: Path) -> None:
    """Let a context compute with an adapter. It is freed with its model.

    Raises:
        RuntimeFailedError: it does not fit the model.
    """
    lib = library()
    made = lib.llama_adapter_lora_init(model, str(adapter).encode())
    if not made or lib.llama_set_adapters_lora(handle, (c_void_p * 1)(made), 1, (c_float * 1)(1.0)):
        raise RuntimeFailedError(f"{adapter.name} does not fit its base")
