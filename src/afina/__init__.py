"""afina turns the corrections a team already has into a better local model, and proves that it is better."""

__version__ = "0.1.0"
