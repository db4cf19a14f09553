"""What a run says while it runs: `training.log` for people, TensorBoard for curves."""

import json
import time
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from afina.store.paths import disk_errors


class RunLog:
    """Owns the log file and the TensorBoard writer; close it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        with disk_errors(folder):
            self.file = (folder / "training.log").open("a", encoding="utf-8", buffering=1)
            self.curve = (folder / "curve.jsonl").open("a", encoding="utf-8", buffering=1)
            self.board = SummaryWriter(str(folder / "tensorboard"), flush_secs=5)

    def say(self, line: str) -> None:
        """One line with the time of day."""
        with disk_errors(self.folder):
            self.file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {line}\n")

    def scalar(self, name: str, value: float, step: int) -> None:
        """One point of a curve, for TensorBoard and for our own report."""
        self.board.add_scalar(name, value, step)
        with disk_errors(self.folder):
            self.curve.write(json.dumps({"name": name, "step": step, "value": value}) + "\n")

    def close(self) -> None:
        """Flush both."""
        with disk_errors(self.folder):
            self.file.close()
            self.curve.close()
            self.board.close()
