"""What a role wrote, as files."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from afina.errors import InputError, RoleError
from afina.flows.role_artifact import checked_file, read_links, write_artifact
from afina.flows.role_model import Reply
from afina.flows.role_run import Answered, Worker, work, worker_of
from afina.flows.role_space import open_space
from afina.roles import find_role
from tests.unit.flows.role_models import told

SEEDS = {name: find_role(name, project=Path()).seeds() for name in ("ba", "dev")}


def answered(folder: Path, role: str, number: int = 0) -> tuple[Worker, Answered]:
    """A role with its authored answer."""
    own, seed = worker_of(open_space(role, folder), "semilla"), SEEDS[role][number]
    return own, work(own, told(lambda _ask: Reply(text=seed.text))[1], [seed.question])


def test_what_a_person_wrote_is_kept_beside_the_new_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And said; what was written by the role goes without a word, so does what a person wrote alike."""
    own, first = answered(tmp_path, "ba")
    path = write_artifact(own, first, tmp_path / "planning")
    _, second = answered(tmp_path, "ba", 1)
    write_artifact(own, second, tmp_path / "planning")
    assert not path.with_name("requirements.yaml.bak").exists()
    path.write_text("title: by hand\n", "utf-8")
    with caplog.at_level(logging.WARNING):
        write_artifact(own, first, tmp_path / "planning")
    assert path.with_name("requirements.yaml.bak").read_text("utf-8") == "title: by hand\n"
    assert "requirements.yaml.bak" in caplog.text
    assert yaml.safe_load(path.read_text("utf-8")) == first.artifact
    path.write_text("title: by hand again\n", "utf-8")
    write_artifact(own, second, tmp_path / "planning")
    kept = {one.read_text("utf-8") for one in path.parent.glob("*.bak*")}
    assert kept == {"title: by hand\n", "title: by hand again\n"}


def test_an_answer_whose_code_cannot_be_written_is_not_there(tmp_path: Path) -> None:
    """Its YAML is written last; otherwise the next call would take it for whole."""
    own, found = answered(tmp_path, "dev")
    (tmp_path / "code").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="code"):
        write_artifact(own, found, tmp_path / "planning")
    assert not (tmp_path / "planning" / "code.yaml").exists()


def test_code_of_an_earlier_answer_goes_and_edited_code_stays(tmp_path: Path) -> None:
    """Two products do not lie in one folder."""
    own, found = answered(tmp_path, "dev")
    files = [{"path": name, "content": "x = 1"} for name in ("old.py", "mine.py", "same.py")]
    write_artifact(own, replace(found, artifact={**found.artifact, "files": files}), tmp_path / "planning")
    (tmp_path / "code" / "mine.py").write_text("x = 2\n")
    write_artifact(own, replace(found, artifact={**found.artifact, "files": files[2:]}), tmp_path / "planning")
    assert sorted(path.name for path in (tmp_path / "code").iterdir()) == ["mine.py", "same.py"]
    assert list(read_links(tmp_path / "planning")["dev"]["files"]) == ["planning/code.yaml", "code/same.py"]


def test_code_stays_in_its_folder(tmp_path: Path) -> None:
    """A schema of one's own may allow any path; the writer does not, and writes nothing then."""
    own, found = answered(tmp_path, "dev")
    bad = replace(found, artifact={"files": [{"path": "../../evil.py", "content": "x = 1"}]})
    with pytest.raises(RoleError, match="outside of"):
        write_artifact(own, bad, tmp_path / "planning")
    assert not (tmp_path.parent / "evil.py").exists()
    assert not (tmp_path / "planning").exists()


def test_edited_code_that_lacks_something_is_named(tmp_path: Path) -> None:
    """A person may leave a file without its content; more files than one story may have are what stories together have."""
    own, done = answered(tmp_path, "dev")
    path = write_artifact(own, done, tmp_path / "planning")
    found = yaml.safe_load(path.read_text("utf-8"))
    path.write_text(yaml.safe_dump({"files": found["files"] * 3}), "utf-8")
    assert len(checked_file(own, path)["files"]) > 3
    for broken in ({"files": None}, {"files": [{"path": "a.py", "purpose": "Something that is said"}]}):
        path.write_text(yaml.safe_dump(broken), "utf-8")
        with pytest.raises(InputError, match=r"code\.yaml: files"):
            checked_file(own, path)
