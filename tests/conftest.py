"""Fixtures: a tiny model, a real PostgreSQL with a template database, a project on a clone of it."""

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import torch
from psycopg import sql
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from afina.bases import semilla
from afina.flows.project import Project, database_project
from afina.settings import Settings
from afina.store.cluster import locate
from afina.store.migrate import migrate
from afina.store.paths import Paths
from afina.store.server import embedded_dsn, stop_embedded

os.environ["AFINA_LANG"] = "en"
SHARED = Path(__file__).parents[1].parent / "shared" / "data"


@pytest.fixture
def shared_data() -> Path:
    """The shared third-party data."""
    if not SHARED.is_dir():
        pytest.skip(f"no shared data at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2 of 1 M random weights with the built-in base's tokenizer."""
    folder = tmp_path_factory.mktemp("tiny") / "tiny"
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=8192,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=0,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(semilla.FOLDER).save_pretrained(folder)
    for name in ("chat_template.jinja", "gguf_pre.txt"):
        shutil.copy(semilla.FOLDER / name, folder / name)
    return folder


def remove_cluster(control: Path) -> None:
    """Stop a test's server and remove what it left outside the test's folder."""
    stop_embedded(control)
    data = locate(control).data
    if not data.is_relative_to(control):
        shutil.rmtree(data.parent, ignore_errors=True)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Connection string of a real embedded server whose database `afina` is migrated: the template."""
    control = tmp_path_factory.mktemp("server") / ".afina" / "database"
    dsn = embedded_dsn(control, idle_stop_minutes=0)
    migrate(dsn)
    yield dsn
    remove_cluster(control)


@pytest.fixture
def database(server: str) -> Iterator[str]:
    """Connection string of a fresh clone of the template."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    maintenance = server.replace("dbname=afina", "dbname=postgres")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE afina").format(sql.Identifier(name)))
    yield server.replace("dbname=afina", f"dbname={name}")
    drop(maintenance, name)


def drop(maintenance: str, name: str) -> None:
    """Remove a test's database. The server's own cleaning process may be in it, which our role cannot end: it leaves soon."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with psycopg.connect(maintenance, autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


@pytest.fixture
def project(database: str, tiny_model: Path, tmp_path: Path) -> Project:
    """A project with the tiny model and a short training."""
    (tmp_path / "afina.toml").write_text("", "utf-8")
    settings = Settings.model_validate(
        {
            "store": {"url": database},
            "base": {"model": str(tiny_model)},
            "train": {
                "lora": {"r": 4, "lora_alpha": 8},
                "training": {
                    "num_epochs": 1,
                    "batch_size": 32,
                    "gradient_accumulation_steps": 1,
                    "learning_rate": 1e-3,
                    "eval_steps": 5,
                    "save_steps": 5,
                    "max_seq_length": 256,
                },
            },
            "evaluate": {"guards": False, "nearest": 1},
            "release": {"ramp": [0.2], "min_users": 5},
            "runtime": {"context": 256, "slots": 2},
        }
    )
    return database_project(Paths(tmp_path), settings, database)
