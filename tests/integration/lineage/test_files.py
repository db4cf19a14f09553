"""A person out of files."""

import json
from pathlib import Path

from afina.lineage.erase import Held
from afina.lineage.files import erase_files, files_of
from afina.lineage.marks import Marks
from afina.store.paths import Paths, write_whole

OWN = "vivo en la casa azul de la calle larga número doce"
NOBODY = Held(interactions=1, feedback=0, judgements=0, users=1, keys=0, waiting=0, datasets=(), versions=())


def test_every_kind_of_file_loses_what_they_wrote_and_nothing_else(tmp_path: Path) -> None:
    """Rows go, lines of logs are marked, JSON keeps its form, what is no text is deleted; weights and sealed things are not read."""
    paths = Paths(tmp_path)
    write_whole(paths.exports / "a.jsonl", f'{{"text": {json.dumps(OWN)}}}\n{{"text": "otra"}}\n')
    write_whole(paths.logs / "a.log", f"uno\n{OWN}\ndos\n")
    write_whole(paths.model("m") / "report.json", json.dumps({"texts": [OWN, "otra"], "score": 1.5}))
    write_whole(paths.data / "cache.bin2", b"\xff\xfe" + OWN.encode())
    write_whole(paths.model("m") / "model.gguf", OWN)
    write_whole(paths.logs / "clean.log", "tres\n")
    marks = Marks.made([OWN])

    done = erase_files(paths, NOBODY, marks)

    assert len(done) == 4
    assert json.loads((paths.exports / "a.jsonl").read_text()) == {"text": "otra"}
    assert (paths.logs / "a.log").read_text() == "uno\n[erased]\ndos\n"
    assert json.loads((paths.model("m") / "report.json").read_text()) == {"texts": ["[erased]", "otra"], "score": 1.5}
    assert not (paths.data / "cache.bin2").exists()
    assert (paths.model("m") / "model.gguf").exists()
    assert files_of(paths, NOBODY, marks) == []
