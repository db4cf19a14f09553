-- One form of examples for every kind of task: turns and an answer. An interaction keeps what was said around it.
ALTER TABLE app.interactions
    ADD COLUMN context jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN reaction text NOT NULL DEFAULT '',
    ADD COLUMN facts jsonb NOT NULL DEFAULT '{}';

DROP VIEW ml.finetune_examples;

-- What curation judged is made anew at each curation: nothing in it has to be carried over.
TRUNCATE ml.examples;
ALTER TABLE ml.examples DROP CONSTRAINT examples_client_id_task_interaction_id_key;
ALTER TABLE ml.examples
    DROP COLUMN text,
    DROP COLUMN target,
    ADD COLUMN turns jsonb NOT NULL,
    ADD COLUMN answer text NOT NULL,
    ADD COLUMN stratum text NOT NULL,
    ADD COLUMN facts jsonb NOT NULL,
    ADD COLUMN position integer NOT NULL;

ALTER TABLE ml.dataset_examples
    ADD COLUMN turns jsonb,
    ADD COLUMN answer text,
    ADD COLUMN stratum text NOT NULL DEFAULT '',
    ADD COLUMN source text NOT NULL DEFAULT '',
    ADD COLUMN facts jsonb NOT NULL DEFAULT '{}';
-- Row-level security is forced: without this the owner would see no row and change none.
ALTER TABLE ml.dataset_examples NO FORCE ROW LEVEL SECURITY;
UPDATE ml.dataset_examples
SET turns = jsonb_build_array(jsonb_build_object('role', 'user', 'content', text)), answer = target::text;
ALTER TABLE ml.dataset_examples FORCE ROW LEVEL SECURITY;
ALTER TABLE ml.dataset_examples
    ALTER COLUMN turns SET NOT NULL,
    ALTER COLUMN answer SET NOT NULL,
    DROP COLUMN text,
    DROP COLUMN target;
ALTER TABLE ml.datasets
    ADD COLUMN kind text NOT NULL DEFAULT 'classify',
    ADD COLUMN prompt text NOT NULL DEFAULT '',
    ADD COLUMN answer_schema json;  -- not jsonb: the order of its properties is the order in which they are written
ALTER TABLE ml.model_versions ALTER COLUMN card DROP DEFAULT;
ALTER TABLE ml.model_versions ALTER COLUMN card TYPE json USING card::json;  -- it holds such a schema too
ALTER TABLE ml.model_versions ALTER COLUMN card SET DEFAULT '{}';

-- Versions and datasets from before are classifications: their prompt and schema follow from fields and labels.
CREATE FUNCTION pg_temp.label_schema(fields jsonb, labels jsonb) RETURNS json LANGUAGE sql AS $$
    SELECT json_build_object(
        'type', 'object',
        'properties', (
            SELECT json_object_agg(f.name, json_build_object('type', 'string', 'enum', labels -> f.name) ORDER BY f.at)
            FROM jsonb_array_elements_text(fields) WITH ORDINALITY AS f (name, at)
        ),
        'required', fields,
        'additionalProperties', false,
        'x-guidance', json_build_object('whitespace_flexible', false, 'item_separator', ', ', 'key_separator', ': ')
    )
$$;
CREATE FUNCTION pg_temp.label_prompt(fields jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT 'Clasifica el mensaje. Campos: ' || string_agg(f.name, ', ' ORDER BY f.at) || '.'
    FROM jsonb_array_elements_text(fields) WITH ORDINALITY AS f (name, at)
$$;
ALTER TABLE ml.model_versions NO FORCE ROW LEVEL SECURITY;
UPDATE ml.model_versions
SET card = (
    left(card::text, -1) || ', "kind": "classify", "prompt": ' || to_json(pg_temp.label_prompt(card::jsonb -> 'fields'))::text
    || ', "answer_schema": ' || pg_temp.label_schema(card::jsonb -> 'fields', card::jsonb -> 'labels')::text || '}'
)::json
WHERE card::jsonb ? 'fields';
ALTER TABLE ml.model_versions FORCE ROW LEVEL SECURITY;
ALTER TABLE ml.datasets NO FORCE ROW LEVEL SECURITY;
UPDATE ml.datasets
SET prompt = pg_temp.label_prompt(card -> 'fields'),
    answer_schema = pg_temp.label_schema(card -> 'fields', card -> 'label_names')
WHERE card ? 'fields';
ALTER TABLE ml.datasets FORCE ROW LEVEL SECURITY;

-- Nobody read this table: the verdict holds every arm's scores. The documents' name is a view of them.
DROP TABLE ml.eval_results;
CREATE VIEW ml.eval_results WITH (security_invoker = true) AS
SELECT
    v.client_id, v.model_version_id AS model_version, v.verdict -> 'eval_set' ->> 'id' AS eval_set,
    arm.value ->> 'name' AS arm, metric.key AS metric, (metric.value ->> 'score')::double precision AS value, v.created_at
FROM ml.verdicts v
CROSS JOIN LATERAL jsonb_array_elements(v.verdict -> 'arms') AS arm (value)
CROSS JOIN LATERAL jsonb_each(arm.value -> 'scores') AS metric;

CREATE VIEW ml.finetune_examples WITH (security_invoker = true) AS
SELECT
    client_id, id, interaction_id AS source_message_id, turns -> -1 ->> 'content' AS prompt, answer AS completion, created_at
FROM ml.examples
WHERE kept;

-- What was refused, or left by its caller, is no message to review.
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
    SELECT * FROM app.feedback WHERE interaction_id = i.id ORDER BY created_at DESC, id DESC LIMIT 1
) f ON true
WHERE i.fault NOT IN ('request', 'client')
GROUP BY i.client_id, i.task;

GRANT SELECT ON ml.eval_results, ml.finetune_examples TO afina_app;
