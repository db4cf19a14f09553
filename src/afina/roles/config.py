"""Document 001's `config.yaml`: which model answers for a role. Other parts of the file are its project's own and are left alone."""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from afina.errors import SettingsError, first_problem
from afina.roles.role import Part

FILE = "config.yaml"


class RoleConfig(Part):
    """`roles.NAME`: what is left out is the role's own."""

    provider: Literal["ollama", "afina", "openai"] = Field(
        "afina",
        description="ollama: a model of the local Ollama; afina: a .gguf, a folder, a base's name; openai: any such address",
    )
    model: str = Field(min_length=1)
    base_url: str = Field("", description="openai: where it listens, …/v1")
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=16)
    timeout: float | None = Field(None, gt=0, description="seconds")
    prompt: Literal["auto", "short", "long"] = Field(
        "auto", description="short = the model was tuned to the role; auto = what `afina bootstrap` made is"
    )

    @property
    def source(self) -> str:
        """The model as it is opened."""
        if self.provider == "ollama":
            return f"ollama:{self.model}"
        return f"{self.base_url}#{self.model}" if self.provider == "openai" else self.model


def read_config(folder: Path) -> dict[str, RoleConfig]:
    """Role → its model, of the folder's `config.yaml`; nothing where there is none.

    Raises:
        SettingsError: malformed; names role and key.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        found: Any = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as exc:
        raise SettingsError(f"{path}: {' '.join(str(exc).split())}") from exc
    roles = found.get("roles") if isinstance(found, dict) else None
    if not isinstance(roles, dict):  # nothing of ours: an empty file, or another program's
        return {}
    return {str(name): one_config(path, str(name), value) for name, value in roles.items()}


def one_config(path: Path, name: str, value: Any) -> RoleConfig:
    """A role's part of the file.

    Raises:
        SettingsError: names the key.
    """
    try:
        config = RoleConfig.model_validate(value)
    except ValidationError as exc:
        key, reason = first_problem(exc.errors(include_url=False), show=True)
        raise SettingsError(f"{path}: roles.{name}{'.' if key else ''}{key}: {reason}") from exc
    if config.provider == "openai" and not config.base_url.startswith(("http://", "https://")):
        raise SettingsError(f"{path}: roles.{name}.base_url: not given", remedy="where the server listens, http://…/v1")
    return config
