"""Answers that were given elsewhere."""

from afina.flows.project import Project
from tests.integration.serve.conftest import Opened, rows

SAID = {
    "text": "¿Cuánto cuesta el envío?",
    "answer": "$3.990 a todo Chile.",
    "history": [{"role": "user", "content": "hola"}, {"role": "assistant", "content": "¡Hola!"}],
    "user": "56911112222",
    "conversation": "c-1",
    "metadata": {"product": "sku-7", "product_name": "Taza", "channel": "whatsapp"},
}


def test_a_capture_is_training_data_with_every_column_of_the_document(opened: Opened, project: Project) -> None:
    """Category by the question's words, success by an outcome, quality by a rating, the customer's next message as what they thought."""
    with opened() as client:
        first = client.post("/v1/interactions", json=SAID).json()["interaction"]
        client.post("/v1/interactions", json={**SAID, "text": "Perfecto, lo quiero", "answer": "¡Listo!"})
        rows(project, 2)
        assert client.post("/v1/feedback", json={"interaction": first, "rating": 5}).status_code == 200
        client.post("/v1/feedback", json={"conversation": "c-1", "outcome": {"name": "sale", "value": 12990}})
        with project.session() as session:
            found = session.execute("SELECT * FROM public.training_data WHERE id = %s", (first,)).fetchone()

    assert found is not None
    wanted = {
        "userId": "default",
        "conversationId": "c-1",
        "customerId": "56911112222",
        "userMessage": SAID["text"],
        "botResponse": SAID["answer"],
        "context": SAID["history"],
        "productId": "sku-7",
        "productName": "Taza",
        "category": "consulta_envio",
        "qualityScore": 5,
        "wasSuccessful": True,
        "userFeedback": "Perfecto, lo quiero",
    }
    assert {name: found[name] for name in wanted} == wanted
    assert found["evaluatedAt"] >= found["createdAt"]


def test_an_id_of_the_callers_own_is_recorded_once(opened: Opened, project: Project) -> None:
    """A bot that sends again after a lost reply doubles nothing."""
    with opened() as client:
        for _ in range(3):
            assert client.post("/v1/interactions", json={**SAID, "id": "wamid.1"}).status_code == 200
        client.post("/v1/interactions", json=SAID)

    assert len(rows(project, 2)) == 2


def test_what_is_no_answer_is_refused(opened: Opened) -> None:
    """By name; unknown keys too, because a typing error would lose what it names."""
    with opened() as client:
        for wrong, name in (
            ({"answer": ""}, "answer"),
            ({"txt": "x"}, "txt"),
            ({"history": [{"role": "x"}]}, "history"),
        ):
            reply = client.post("/v1/interactions", json={**SAID, **wrong})
            assert reply.status_code == 400
            assert name in reply.json()["error"]["message"]
