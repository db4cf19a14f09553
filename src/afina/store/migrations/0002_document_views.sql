-- The names the owner's documents use, as views over our tables. security_invoker: a plain view would run as its
-- owner and show every client's rows.

-- Document 000: the gold dataset. One row per reviewed message with its latest correction.
CREATE VIEW public.finetuning_dataset WITH (security_invoker = true) AS
SELECT
    i.client_id,
    i.id AS interaction_id,
    i.text,
    CASE WHEN i.answer IS JSON OBJECT THEN i.answer::jsonb ELSE '{}'::jsonb END AS predicted,
    i.confidence,
    f.value AS corrected,
    CASE WHEN i.answer IS JSON OBJECT THEN i.answer::jsonb ->> 'sentiment' END AS ai_sentiment,
    CASE WHEN i.answer IS JSON OBJECT THEN i.answer::jsonb ->> 'topic' END AS ai_topic,
    CASE WHEN i.answer IS JSON OBJECT THEN i.answer::jsonb ->> 'intent' END AS ai_intent,
    f.value ->> 'sentiment' AS corrected_sentiment,
    f.value ->> 'topic' AS corrected_topic,
    f.value ->> 'intent' AS corrected_intent,
    f.kind = 'corrected' AS was_corrected,
    f.reviewer,
    f.review_seconds,
    f.created_at
FROM app.interactions i
JOIN LATERAL (
    SELECT * FROM app.feedback WHERE interaction_id = i.id ORDER BY created_at DESC, id DESC LIMIT 1
) f ON true;

-- Document 003: every column of its training_data table that the loop fills today.
CREATE VIEW public.training_data WITH (security_invoker = true) AS
SELECT
    i.id, i.client_id AS "userId", i.conversation AS "conversationId", i.user_external_id AS "customerId",
    i.text AS "userMessage", i.answer AS "botResponse", i.created_at AS "createdAt"
FROM app.interactions i;

-- Document 002: the runtime's names.
CREATE VIEW app.sessions WITH (security_invoker = true) AS
SELECT
    client_id, user_external_id AS user_id, conversation AS id,
    min(created_at) AS started_at, max(created_at) AS ended_at, min(source) AS channel
FROM app.interactions
GROUP BY client_id, user_external_id, conversation;

CREATE VIEW app.messages WITH (security_invoker = true) AS
SELECT client_id, id || '/user' AS id, conversation AS session_id, 'user' AS sender, text, created_at AS ts, external_id AS platform_msg_id
FROM app.interactions
UNION ALL
SELECT client_id, id || '/bot', conversation, 'bot', answer, created_at, external_id FROM app.interactions;

CREATE VIEW app.event_log WITH (security_invoker = true) AS
SELECT
    client_id, id, conversation AS session_id, model_version_id AS model, tokens_in, tokens_out, latency_ms, ok,
    error AS error_msg, created_at
FROM app.interactions;

CREATE VIEW ml.nlu_annotations WITH (security_invoker = true) AS
SELECT
    i.client_id, i.id AS message_id, f.value ->> 'intent' AS intent, f.value AS slots, i.confidence,
    f.reviewer AS reviewed_by, true AS is_gold
FROM app.interactions i
JOIN LATERAL (
    SELECT * FROM app.feedback WHERE interaction_id = i.id ORDER BY created_at DESC, id DESC LIMIT 1
) f ON true;

CREATE VIEW ml.finetune_examples WITH (security_invoker = true) AS
SELECT client_id, id, interaction_id AS source_message_id, text AS prompt, target AS completion, created_at
FROM ml.examples
WHERE kept;

-- Aggregates per client (document 000, "verificar cuántas correcciones tienes", and C2).
CREATE VIEW analytics.review_stats WITH (security_invoker = true) AS
SELECT
    i.client_id,
    i.task,
    count(*) AS messages,
    count(DISTINCT i.text) AS unique_messages,
    count(f.id) AS reviewed,
    count(*) FILTER (WHERE f.kind = 'corrected') AS corrections,
    avg(f.review_seconds) AS mean_review_seconds
FROM app.interactions i
LEFT JOIN LATERAL (
    SELECT * FROM app.feedback WHERE interaction_id = i.id ORDER BY created_at DESC, id DESC LIMIT 1
) f ON true
GROUP BY i.client_id, i.task;

GRANT USAGE ON SCHEMA public TO afina_app;
GRANT SELECT ON public.finetuning_dataset, public.training_data, app.sessions, app.messages, app.event_log,
    ml.nlu_annotations, ml.finetune_examples, analytics.review_stats TO afina_app;
