-- Feedback of every kind: decisions (accepted, corrected) as before, and ratings, outcomes and comments, of an answer or a whole conversation.
ALTER TABLE app.feedback
    ALTER COLUMN interaction_id DROP NOT NULL,
    ADD COLUMN conversation text NOT NULL DEFAULT '',
    ADD COLUMN rating smallint CHECK (rating BETWEEN 1 AND 5),
    ADD COLUMN comment text NOT NULL DEFAULT '',
    DROP CONSTRAINT feedback_kind_check,
    ADD CONSTRAINT feedback_kind_check CHECK (kind IN ('accepted', 'corrected', 'rated', 'outcome', 'comment')),
    ADD CONSTRAINT feedback_of_something CHECK (interaction_id IS NOT NULL OR conversation <> '');
CREATE INDEX feedback_of_conversation ON app.feedback (client_id, conversation, created_at) WHERE conversation <> '';

-- What says which answer is right. Examples are made of these, and people are counted as reviewers by these only.
CREATE VIEW app.decisions WITH (security_invoker = true) AS
SELECT * FROM app.feedback WHERE kind IN ('accepted', 'corrected') AND interaction_id IS NOT NULL;
GRANT SELECT ON app.decisions TO afina_app;

-- What a person said of a whole conversation or of one of its answers, 1 to 5, by conversation.
CREATE VIEW app.ratings WITH (security_invoker = true) AS
SELECT
    f.client_id, f.id, f.interaction_id, coalesce(nullif(f.conversation, ''), i.conversation, '') AS conversation,
    f.rating, f.comment, f.reviewer, f.created_at
FROM app.feedback f
LEFT JOIN app.interactions i ON i.client_id = f.client_id AND i.id = f.interaction_id
WHERE f.rating IS NOT NULL;
GRANT SELECT ON app.ratings TO afina_app;

CREATE OR REPLACE VIEW public.finetuning_dataset WITH (security_invoker = true) AS
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
    SELECT * FROM app.decisions WHERE interaction_id = i.id ORDER BY created_at DESC, id DESC LIMIT 1
) f ON true;

CREATE OR REPLACE VIEW ml.nlu_annotations WITH (security_invoker = true) AS
SELECT
    i.client_id, i.id AS message_id, f.value ->> 'intent' AS intent, f.value AS slots, i.confidence,
    f.reviewer AS reviewed_by, true AS is_gold
FROM app.interactions i
JOIN LATERAL (
    SELECT * FROM app.decisions WHERE interaction_id = i.id ORDER BY created_at DESC, id DESC LIMIT 1
) f ON true;

CREATE OR REPLACE VIEW analytics.review_stats WITH (security_invoker = true) AS
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
    SELECT * FROM app.decisions WHERE interaction_id = i.id ORDER BY created_at DESC, id DESC LIMIT 1
) f ON true
WHERE i.fault NOT IN ('request', 'client')
GROUP BY i.client_id, i.task;
