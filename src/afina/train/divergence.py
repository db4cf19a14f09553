"""Whether a run still learns: what is not a number, and losses that leave their band and stay out of it.

One bad batch is no divergence; three in a row are, when each lies above the mean of the last 32 by six of their standard
deviations and by at least one nat. The run then goes back to its last checkpoint at half the learning rate (the returns
of Chowdhery et al. 2022, PaLM, section 5.1, without skipping data).
"""

import math
import statistics

from afina.train.checkpoint import Position

WINDOW, LEAST_SEEN = 32, 16
DEVIATIONS, LEAST_NATS = 6.0, 1.0
SUSTAINED = 3
MAX_RETURNS = 3


def divergence(loss: float, norm: float, position: Position) -> str:
    """Why the run must go back, or nothing. Notes the step's loss (nats) and gradient norm in the position."""
    if not (math.isfinite(loss) and math.isfinite(norm)):
        return f"loss {loss}, gradient norm {norm}"
    recent = position.recent
    if len(recent) >= LEAST_SEEN:
        usual = statistics.fmean(recent)
        if loss > usual + max(LEAST_NATS, DEVIATIONS * statistics.pstdev(recent)):
            position.spikes += 1
            return f"loss {loss:.2f} after {usual:.2f}" if position.spikes >= SUSTAINED else ""
    position.spikes = 0
    position.recent = [*recent, loss][-WINDOW:]
    return ""
