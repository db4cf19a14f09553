"""From the spool into PostgreSQL: how many turns a second?

    python -m bench.ingest [--interactions 20000]

Interactions of about 300 characters with their answers (two turns each), as the gateway writes them, lie in the spool; the recorder empties it
into an embedded PostgreSQL, scrubs personal data on the way and scores each answer by the next message, as `afina serve` does. Prints one JSON
line: `turns_per_s`, `rows` in the database (as many as were spooled), `append_per_s` (writing into the spool).
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from afina.capture import Kept, Recorder, Spool, SpoolOptions, record_interactions, score_reactions, scrub_interaction
from afina.capture.recorder import as_bytes
from afina.ids import ClientId, InteractionId, new_id
from afina.privacy import make_policy
from afina.records import Interaction, Turn
from afina.settings import PrivacySettings
from afina.store.access import client_session
from bench.database import database

CLIENT = ClientId("bench")


def said(number: int) -> Interaction:
    """An interaction with an answer and one turn before it."""
    identity = InteractionId(new_id("int"))
    return Interaction(
        id=identity,
        client=CLIENT,
        user=f"user {number % 500}",
        conversation=f"chat {number // 4}",
        text=f"Pedido {number}: quiero saber cuándo llega, lo compré hace una semana y no tengo noticias. " * 2,
        context=(Turn("system", "Responde por la tienda, en pocas palabras."),),
        answer="Tu pedido sale mañana y llega en dos días hábiles. Te avisamos por correo cuando lo entreguemos.",
        task="chat",
        source="gateway",
        external_id=identity,
        latency_ms=512.0,
        tokens_in=120,
        tokens_out=30,
    )


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interactions", type=int, default=20_000)
    count = parser.parse_args().interactions
    records = [as_bytes(said(number)) for number in range(count)]
    with database() as dsn, tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder) / "spool", SpoolOptions())
        began = time.perf_counter()
        for record in records:
            spool.append(record)
        appended = time.perf_counter() - began

        policy = make_policy(PrivacySettings())

        def save(batch: Sequence[Kept]) -> None:
            with client_session(dsn, CLIENT) as session:
                some = [scrub_interaction(one, policy) for one in batch if isinstance(one, Interaction)]
                record_interactions(session, some)
                score_reactions(session, [one.conversation for one in some])

        began = time.perf_counter()
        recorder = Recorder(save, spool=spool)
        while recorder.counts.stored < count:
            time.sleep(0.01)
        took = time.perf_counter() - began
        recorder.close()
        with client_session(dsn, CLIENT) as session:
            row = session.execute("SELECT count(*) AS n FROM app.interactions").fetchone()
    found = {
        "turns_per_s": round(2 * count / took),
        "rows": row["n"] if row else 0,
        "spooled": count,
        "append_per_s": round(count / appended),
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
