-- Whole interactions: how it was asked, through which door, who answered, and what that cost.
ALTER TABLE app.interactions
    ADD COLUMN request_id text NOT NULL DEFAULT '',
    ADD COLUMN served_by text NOT NULL DEFAULT '',  -- the version's name, or upstream/model
    ADD COLUMN variant text NOT NULL DEFAULT '' CHECK (variant IN ('', 'production', 'canary', 'upstream')),
    ADD COLUMN parameters jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN channel text NOT NULL DEFAULT '',
    ADD COLUMN product text NOT NULL DEFAULT '',
    ADD COLUMN category text NOT NULL DEFAULT '',
    ADD COLUMN cost double precision CHECK (cost >= 0);  -- of an upstream, in the currency of its prices
CREATE INDEX interactions_of_conversation ON app.interactions (client_id, conversation, created_at) WHERE conversation <> '';
CREATE INDEX interactions_by_request ON app.interactions (client_id, request_id) WHERE request_id <> '';

CREATE TABLE app.user_prefs (
    client_id text NOT NULL REFERENCES app.clients,
    user_id text NOT NULL REFERENCES app.users ON DELETE CASCADE,
    budget_goal numeric,
    categories_json jsonb NOT NULL DEFAULT '[]',
    privacy_flags jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (client_id, user_id)
);
ALTER TABLE app.user_prefs ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.user_prefs FORCE ROW LEVEL SECURITY;
CREATE POLICY own_client ON app.user_prefs USING (client_id = nullif(current_setting('app.client', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON app.user_prefs TO afina_app;
GRANT UPDATE ON app.users TO afina_app;

-- Document 002's columns of a model version. What becomes of it is known by its rollouts.
ALTER TABLE ml.model_versions
    ADD COLUMN provider text NOT NULL DEFAULT 'afina',
    ADD COLUMN base_model text GENERATED ALWAYS AS (base) STORED,
    ADD COLUMN finetune_id text GENERATED ALWAYS AS (run_id) STORED,
    ADD COLUMN status text NOT NULL DEFAULT 'candidate'
        CHECK (status IN ('candidate', 'canary', 'production', 'archived', 'rolled_back')),
    ADD COLUMN deployed_at timestamptz,
    ADD COLUMN notes text NOT NULL DEFAULT '';

CREATE FUNCTION ml.note_rollout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ml.model_versions v
    SET status = NEW.state, deployed_at = CASE WHEN NEW.state = 'production' THEN now() ELSE v.deployed_at END
    WHERE v.client_id = NEW.client_id AND v.id = NEW.model_version_id AND v.status <> NEW.state;
    RETURN NULL;
END $$;
CREATE TRIGGER noted AFTER INSERT OR UPDATE OF state ON ml.rollouts FOR EACH ROW EXECUTE FUNCTION ml.note_rollout();
GRANT UPDATE (status, deployed_at, notes) ON ml.model_versions TO afina_app;

-- A key may be one person's: it speaks for nobody else. `view` looks and changes nothing.
ALTER TABLE app.api_keys
    ADD COLUMN user_external_id text NOT NULL DEFAULT '',
    DROP CONSTRAINT api_keys_scopes_check,
    ADD CONSTRAINT api_keys_scopes_check
        CHECK (scopes <> '{}' AND scopes <@ ARRAY['view', 'chat', 'feedback', 'trainer', 'admin']);

-- The documents' names.
DROP VIEW public.training_data;
CREATE VIEW public.training_data WITH (security_invoker = true) AS
SELECT
    i.id, i.client_id AS "userId", i.conversation AS "conversationId", i.text AS "userMessage", i.answer AS "botResponse",
    i.context, i.product AS "productId", i.facts ->> 'product_name' AS "productName", i.category,
    rated.rating AS "qualityScore", sold.id IS NOT NULL AS "wasSuccessful",
    coalesce(
        nullif(i.reaction, ''),
        (
            SELECT n.text FROM app.interactions n
            WHERE n.client_id = i.client_id AND n.conversation = i.conversation AND i.conversation <> ''
                AND (n.created_at, n.id) > (i.created_at, i.id)
            ORDER BY n.created_at, n.id LIMIT 1
        )
    ) AS "userFeedback",
    i.created_at AS "createdAt", greatest(rated.created_at, sold.created_at) AS "evaluatedAt", i.user_external_id AS "customerId"
FROM app.interactions i
LEFT JOIN LATERAL (
    SELECT r.rating, r.created_at FROM app.ratings r
    WHERE r.interaction_id = i.id OR (r.interaction_id IS NULL AND r.conversation = i.conversation AND i.conversation <> '')
    ORDER BY r.interaction_id IS NULL, r.created_at DESC, r.id DESC LIMIT 1
) rated ON true
LEFT JOIN LATERAL (
    SELECT f.id, f.created_at FROM app.feedback f
    WHERE f.kind = 'outcome' AND f.value ->> 'name' = 'sale'
        AND (f.interaction_id = i.id OR (f.interaction_id IS NULL AND f.conversation = i.conversation AND i.conversation <> ''))
    ORDER BY f.created_at DESC, f.id DESC LIMIT 1
) sold ON true;

DROP VIEW app.sessions;
CREATE VIEW app.sessions WITH (security_invoker = true) AS
SELECT
    client_id, user_external_id AS user_id, conversation AS id, min(created_at) AS started_at, max(created_at) AS ended_at,
    coalesce(nullif(min(channel), ''), min(source)) AS channel
FROM app.interactions
GROUP BY client_id, user_external_id, conversation;

DROP VIEW app.messages;
CREATE VIEW app.messages WITH (security_invoker = true) AS
SELECT
    client_id, id || '/user' AS id, conversation AS session_id, 'user' AS sender, text, parameters AS raw, created_at AS ts,
    external_id AS platform_msg_id
FROM app.interactions
UNION ALL
SELECT client_id, id || '/bot', conversation, 'bot', answer, '{}', created_at, external_id FROM app.interactions;

DROP VIEW app.event_log;
CREATE VIEW app.event_log WITH (security_invoker = true) AS
SELECT
    client_id, id, conversation AS session_id, coalesce(nullif(served_by, ''), model_version_id) AS model, tokens_in, tokens_out,
    latency_ms, ok, error AS error_msg, created_at, request_id, variant, channel, cost
FROM app.interactions;

CREATE OR REPLACE VIEW ml.finetune_examples WITH (security_invoker = true) AS
SELECT
    e.client_id, e.id, e.interaction_id AS source_message_id, e.turns -> -1 ->> 'content' AS prompt, e.answer AS completion,
    e.created_at, e.facts AS meta,
    CASE
        WHEN EXISTS (SELECT 1 FROM app.decisions d WHERE d.interaction_id = e.interaction_id) THEN 'high'
        WHEN EXISTS (SELECT 1 FROM app.ratings r WHERE r.interaction_id = e.interaction_id AND r.rating <= 2) THEN 'low'
        ELSE 'med'
    END AS quality
FROM ml.examples e
WHERE e.kept;

CREATE VIEW ml.eval_sets WITH (security_invoker = true) AS
SELECT
    d.client_id, e.example_id AS id, d.task || '/' || d.id AS name, CASE e.split WHEN 'test' THEN 'test' ELSE 'dev' END AS split,
    jsonb_build_object('turns', e.turns, 'answer', e.answer) AS item, jsonb_build_object('kind', d.kind) AS metric, d.id AS dataset_id
FROM ml.dataset_examples e
JOIN ml.datasets d ON d.client_id = e.client_id AND d.id = e.dataset_id
WHERE e.split IN ('validation', 'test');

CREATE OR REPLACE VIEW ml.eval_results WITH (security_invoker = true) AS
SELECT
    v.client_id, v.model_version_id AS model_version, v.verdict -> 'eval_set' ->> 'id' AS eval_set, arm.value ->> 'name' AS arm,
    metric.key AS metric, (metric.value ->> 'score')::double precision AS value, v.created_at, v.model_version_id,
    v.verdict -> 'eval_set' ->> 'id' AS eval_set_id, arm.value -> 'scores' AS metrics
FROM ml.verdicts v
CROSS JOIN LATERAL jsonb_array_elements(v.verdict -> 'arms') arm
CROSS JOIN LATERAL jsonb_each(arm.value -> 'scores') metric;

-- Plain views, not materialised ones: PostgreSQL has no row-level security on materialised views, so one would show every client's rows.
CREATE VIEW analytics.vw_user_health WITH (security_invoker = true) AS
SELECT
    i.client_id, i.user_external_id AS user_id, count(DISTINCT nullif(i.conversation, '')) AS sessions, count(DISTINCT i.id) AS messages,
    min(i.created_at) AS first_seen, max(i.created_at) AS last_seen, count(DISTINCT i.created_at::date) AS days_active,
    count(DISTINCT date_trunc('week', i.created_at)) > 1 AS retained, avg(r.rating) AS satscore
FROM app.interactions i
LEFT JOIN app.ratings r ON r.interaction_id = i.id
WHERE i.user_external_id <> ''
GROUP BY i.client_id, i.user_external_id;

CREATE VIEW analytics.vw_intent_quality WITH (security_invoker = true) AS
WITH decided AS (
    SELECT
        i.client_id, i.task, f.key AS field, f.value AS truth,
        CASE WHEN i.answer IS JSON OBJECT AND i.answer !~ '\\u(0000|[dD][89a-fA-F])' THEN i.answer::jsonb ->> f.key END AS predicted,
        CASE WHEN i.answer IS JSON OBJECT AND i.answer !~ '\\u(0000|[dD][89a-fA-F])' THEN i.answer::jsonb @> d.value ELSE false END AS exact
    FROM app.interactions i
    JOIN LATERAL (
        SELECT value FROM app.decisions WHERE interaction_id = i.id ORDER BY created_at DESC, id DESC LIMIT 1
    ) d ON true
    CROSS JOIN LATERAL jsonb_each_text(d.value) f
    WHERE i.answer IS JSON OBJECT
),
labels AS (
    SELECT client_id, task, field, truth AS label FROM decided
    UNION
    SELECT client_id, task, field, predicted FROM decided WHERE predicted IS NOT NULL
)
SELECT
    l.client_id, l.task, l.field, l.label AS intent,
    count(*) FILTER (WHERE d.truth = l.label) AS support,
    2.0 * count(*) FILTER (WHERE d.truth = l.label AND d.predicted = l.label)
        / nullif(count(*) FILTER (WHERE d.truth = l.label) + count(*) FILTER (WHERE d.predicted = l.label), 0) AS f1,
    avg(d.exact::int) FILTER (WHERE d.truth = l.label) AS exact_slot,
    mode() WITHIN GROUP (ORDER BY d.predicted) FILTER (WHERE d.truth = l.label AND d.predicted <> l.label) AS most_frequent_failure
FROM labels l
JOIN decided d ON d.client_id = l.client_id AND d.task = l.task AND d.field = l.field
GROUP BY l.client_id, l.task, l.field, l.label;

CREATE VIEW analytics.vw_tokens_cost WITH (security_invoker = true) AS
SELECT
    client_id, user_external_id AS user_id, category AS intent, coalesce(nullif(served_by, ''), model_version_id, '') AS model, channel,
    created_at::date AS day, count(*) AS requests, sum(coalesce(tokens_in, 0)) AS tokens_in, sum(coalesce(tokens_out, 0)) AS tokens_out,
    sum(coalesce(cost, 0)) AS cost
FROM app.interactions
GROUP BY client_id, user_external_id, category, coalesce(nullif(served_by, ''), model_version_id, ''), channel, created_at::date;

-- Who answered: versions of this machine, or an upstream.
CREATE VIEW analytics.answered_by WITH (security_invoker = true) AS
SELECT
    client_id, task, created_at::date AS day, variant, served_by, count(*) AS answers, sum(coalesce(tokens_in, 0)) AS tokens_in,
    sum(coalesce(tokens_out, 0)) AS tokens_out, sum(coalesce(cost, 0)) AS cost
FROM app.interactions
WHERE ok AND variant <> ''
GROUP BY client_id, task, created_at::date, variant, served_by;

GRANT SELECT ON public.training_data, app.sessions, app.messages, app.event_log, ml.eval_sets, analytics.vw_user_health,
    analytics.vw_intent_quality, analytics.vw_tokens_cost, analytics.answered_by TO afina_app;

-- The fleet and the door listen instead of asking every second.
CREATE FUNCTION app.tell_gateways() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('afina_live', TG_TABLE_NAME);
    RETURN NULL;
END $$;
CREATE TRIGGER told AFTER INSERT OR UPDATE OR DELETE ON ml.rollouts FOR EACH STATEMENT EXECUTE FUNCTION app.tell_gateways();
CREATE TRIGGER told AFTER INSERT OR UPDATE OR DELETE ON app.api_keys FOR EACH STATEMENT EXECUTE FUNCTION app.tell_gateways();

-- Who only looks: dashboards and people with a tool of their own. It reads one client at a time, as the application does, and no keys.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'afina_reader') THEN
        CREATE ROLE afina_reader NOLOGIN;
    END IF;
END $$;
GRANT USAGE ON SCHEMA app, ml, analytics, public TO afina_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA analytics, ml TO afina_reader;
GRANT SELECT ON app.interactions, app.feedback, app.users, app.user_prefs, app.decisions, app.ratings, app.sessions, app.messages,
    app.event_log, public.training_data, public.finetuning_dataset TO afina_reader;
