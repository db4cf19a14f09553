"""The doors of document 002, in front of a stand-in: what the model is told, what the person reads, what is recorded."""

import json

from afina.flows.project import Project
from tests.integration.serve.conftest import Opened, rows
from tests.integration.serve.standin import Server, completion

REPLY = {
    "instructions": "Eres Gus.",
    "checks": "refuse",
    "disclaimer": "No es asesoría.",
    "refusal": "Eso no lo puedo aconsejar.",
}


def test_a_reply_keeps_to_the_persons_manner(opened: Opened, there: Server, project: Project) -> None:
    """Set once, it is in every prompt; what a request says wins over it. Chunks and state have their place; the history comes before the message."""
    there.answers = [completion("¡Vas muy bien! Te quedan $12.990.")]
    with opened({"reply": REPLY}, there={"url": f"{there.url}/v1"}) as client:
        client.patch(
            "/v1/users/ana",
            json={"intensity": 0.9, "tone": "coach", "locale": "es-CL", "privacy_flags": {"training": False}},
        )
        client.patch("/v1/users/ana", json={"budget_goal": 500000})
        own = client.get("/v1/users/ana").json()
        said = {"text": "¿cómo voy?", "user": "ana", "context": ["Meta: $500.000"], "user_state": {"gastado": 487010}}
        client.post("/style/reply", json={**said, "history": [{"role": "user", "content": "hola"}]})
        client.post("/style/reply", json={**said, "intensity": 0.1, "tone": "formal"})

    assert own == {
        "channel": "",
        "locale": "es-CL",
        "intensity": 0.9,
        "tone": "coach",
        "budget_goal": 500000,
        "categories": [],
        "privacy_flags": {"training": False},
    }
    warm, sober = ([turn["content"] for turn in asked["messages"]] for asked in there.asked)
    assert warm[0].startswith("Eres Gus.\nlocale=es-CL intensity=0.9 tone=coach")
    assert "emojis con moderación" in warm[0]
    assert "- Meta: $500.000" in warm[0]
    assert '{"gastado": 487010}' in warm[0]
    assert warm[1:] == ["hola", "¿cómo voy?"]
    assert "Sé sobrio" in sober[0]
    assert "usted" in sober[0]
    recorded = rows(project, 2)
    assert [row["text"] for row in recorded] == ["¿cómo voy?"] * 2
    assert [row["facts"]["intensity"] for row in recorded] == ["0.9", "0.1"]


def test_a_reply_is_held_to_the_rules(opened: Opened, there: Server, project: Project) -> None:
    """A wrong format is put right, a forbidden advice replaced; both are reported and recorded with the id of the rule."""
    there.answers = [completion("Te quedan $12990."), completion("Invierte en bitcoin.")]
    with opened({"reply": REPLY}, there={"url": f"{there.url}/v1"}) as client:
        repaired = client.post("/ask", json={"text": "¿cuánto queda?"}).json()
        refused = client.post("/ask", json={"text": "¿en qué invierto?"}).json()

    assert repaired["text"] == "Te quedan $12.990."
    assert repaired["findings"] == [{"rule": "format.clp", "words": "$12990", "repair": "$12.990"}]
    assert refused["text"] == "Eso no lo puedo aconsejar."
    assert [one["rule"] for one in refused["findings"]] == ["policy.investment"]
    first, second = rows(project, 2)
    assert first["answer"] == "Te quedan $12.990."
    assert first["parameters"]["findings"] == repaired["findings"]
    assert second["answer"] == "Eso no lo puedo aconsejar."


def test_a_message_is_parsed_by_whoever_is_there(opened: Opened, there: Server, project: Project) -> None:
    """An upstream is told the labels and bound by their schema; the intent is the field of that name, the rest are slots."""
    there.answers = [completion(json.dumps({"topic": "boleta", "intent": "pago"}))]
    labels = {"topic": {"boleta": "", "envio": ""}, "intent": {"pago": "", "queja": ""}}
    task = {"fields": ["topic", "intent"], "labels": labels}
    with opened({"task": task}, there={"url": f"{there.url}/v1"}) as client:
        reply = client.post("/nlu/parse", json={"text": "quiero pagar la boleta", "user": "ana"}).json()

    assert (reply["intent"], reply["slots"]) == ("pago", {"topic": "boleta"})
    asked = there.asked[0]
    assert asked["messages"][0]["role"] == "system"
    assert "queja" in asked["messages"][0]["content"]
    schema = asked["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["intent"]["enum"] == ["pago", "queja"]
    assert rows(project, 1)[0]["text"] == "quiero pagar la boleta"


def test_a_person_nobody_knows_is_as_everybody_is(opened: Opened) -> None:
    """And changes are checked."""
    with opened() as client:
        assert client.get("/v1/users/nobody").json()["intensity"] == 0.5
        assert client.patch("/v1/users/ana", json={"intensity": 2}).status_code == 400
        assert client.patch("/v1/users/ana", json={"mood": "good"}).status_code == 400
