"""Adapter → merged model → GGUF → quantised GGUF with its Modelfile, checked to answer like the trained model."""

from afina.export.export import Exported, export_model
from afina.export.parity import Parity, check_parity

__all__ = ["Exported", "Parity", "check_parity", "export_model"]
