"""Which model sizes this machine can train and serve, by memory and disk alone."""

from dataclasses import dataclass

GIB = 2**30
SIZES = {"0.5B": 0.5e9, "3B": 3.1e9, "7B": 7.6e9, "14B": 14.8e9}
TRAIN_BYTES, TRAIN_REST = 0.94, 0.55e9
"""The line through what the trainer itself took with the base in NF4: 3.45 GB of 3.1e9 weights, 7.68 GB of 7.6e9
(`python -m bench.train_memory --steps 1`)."""
EXPORT_BYTES, EXPORT_REST = 4.0, 0.3e9
"""Merging and the parity check hold a model in float32; export refuses by the same figures."""
SERVE_BYTES, SERVE_REST = 0.62, 1 * GIB
"""q4_k_m takes 4.9 bits a weight; context and buffers take the rest."""
DISK_BYTES = 2 + 4 + 4 + 0.62
"""Pulled (bf16), merged (float32), its GGUF (float32), the served file (q4_k_m)."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a size can be trained, exported and served here, and what it needs. Bytes."""

    size: str
    trains: bool
    exports: bool
    serves: bool
    train_bytes: float
    export_bytes: float
    serve_bytes: float
    disk_bytes: float


def what_fits(*, memory: float, disk: float) -> list[Fit]:
    """Every usual size against the memory and the free disk of a machine, in bytes."""
    fits = []
    for size, weights in SIZES.items():
        train, serve = weights * TRAIN_BYTES + TRAIN_REST, weights * SERVE_BYTES + SERVE_REST
        export, room = weights * EXPORT_BYTES + EXPORT_REST, weights * DISK_BYTES
        fits.append(
            Fit(
                size,
                trains=train <= memory and room <= disk,
                exports=export <= memory and room <= disk,
                serves=serve <= memory,
                train_bytes=train,
                export_bytes=export,
                serve_bytes=serve,
                disk_bytes=room,
            )
        )
    return fits
