-- The first tables. Every tenant row carries its client; row-level security is forced, so that even the owner of the
-- tables sees one client at a time. The application works as the role afina_app, which owns nothing.
CREATE SCHEMA app;
CREATE SCHEMA ml;
CREATE SCHEMA analytics;

CREATE TABLE app.clients (
    client_id text PRIMARY KEY CHECK (client_id <> ''),
    name text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE app.users (
    id text PRIMARY KEY,
    client_id text NOT NULL REFERENCES app.clients,
    external_id text NOT NULL,
    channel text NOT NULL DEFAULT '',
    locale text NOT NULL DEFAULT 'es',
    intensity numeric(2, 1) NOT NULL DEFAULT 0.5 CHECK (intensity BETWEEN 0 AND 1),
    tone text NOT NULL DEFAULT 'neutral' CHECK (tone IN ('coach', 'neutral', 'formal')),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (client_id, channel, external_id)
);

CREATE TABLE app.interactions (
    id text PRIMARY KEY,
    client_id text NOT NULL REFERENCES app.clients,
    external_id text NOT NULL,
    user_external_id text NOT NULL DEFAULT '',
    conversation text NOT NULL DEFAULT '',
    task text NOT NULL,
    source text NOT NULL,
    text text NOT NULL,
    answer text NOT NULL,
    confidence double precision CHECK (confidence BETWEEN 0 AND 1),
    model_version_id text,
    latency_ms double precision,
    tokens_in integer,
    tokens_out integer,
    ok boolean NOT NULL DEFAULT true,
    error text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (client_id, source, external_id),
    -- Foreign keys are checked without row-level security: they carry the client, or a row could point at another's.
    UNIQUE (client_id, id)
);
CREATE INDEX interactions_by_time ON app.interactions (client_id, task, created_at);

CREATE TABLE app.feedback (
    id text PRIMARY KEY,
    client_id text NOT NULL REFERENCES app.clients,
    interaction_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('accepted', 'corrected')),
    value jsonb NOT NULL,
    reviewer text NOT NULL DEFAULT '',
    review_seconds double precision CHECK (review_seconds >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (client_id, interaction_id) REFERENCES app.interactions (client_id, id) ON DELETE CASCADE
);
CREATE INDEX feedback_of_interaction ON app.feedback (interaction_id, created_at);

CREATE TABLE ml.examples (
    id text PRIMARY KEY,
    client_id text NOT NULL REFERENCES app.clients,
    interaction_id text NOT NULL,
    task text NOT NULL,
    text text NOT NULL,
    target jsonb NOT NULL,
    group_key text NOT NULL,
    kept boolean NOT NULL,
    reason text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (client_id, task, interaction_id),
    FOREIGN KEY (client_id, interaction_id) REFERENCES app.interactions (client_id, id) ON DELETE CASCADE,
    CHECK (kept = (reason = ''))
);

CREATE TABLE ml.datasets (
    id text NOT NULL,
    client_id text NOT NULL REFERENCES app.clients,
    task text NOT NULL,
    card jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, id)
);

CREATE TABLE ml.dataset_examples (
    client_id text NOT NULL,
    dataset_id text NOT NULL,
    example_id text NOT NULL,
    split text NOT NULL CHECK (split IN ('train', 'validation', 'test')),
    position integer NOT NULL,
    text text NOT NULL,
    target jsonb NOT NULL,
    group_key text NOT NULL,
    PRIMARY KEY (client_id, dataset_id, split, position),
    FOREIGN KEY (client_id, dataset_id) REFERENCES ml.datasets ON DELETE CASCADE
);

CREATE TABLE ml.runs (
    id text PRIMARY KEY,
    client_id text NOT NULL REFERENCES app.clients,
    dataset_id text NOT NULL,
    base text NOT NULL,
    state text NOT NULL CHECK (state IN ('planned', 'running', 'done', 'failed', 'cancelled')),
    config jsonb NOT NULL,
    result jsonb NOT NULL DEFAULT '{}',
    error text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ended_at timestamptz,
    UNIQUE (client_id, id),
    FOREIGN KEY (client_id, dataset_id) REFERENCES ml.datasets
);

CREATE TABLE ml.model_versions (
    id text PRIMARY KEY,
    client_id text NOT NULL REFERENCES app.clients,
    name text NOT NULL,
    task text NOT NULL,
    base text NOT NULL,
    run_id text,
    gguf text NOT NULL,
    quantisation text NOT NULL,
    card jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (client_id, name),
    UNIQUE (client_id, id),
    FOREIGN KEY (client_id, run_id) REFERENCES ml.runs (client_id, id)
);

CREATE TABLE ml.eval_results (
    id text PRIMARY KEY,
    client_id text NOT NULL REFERENCES app.clients,
    model_version_id text,
    arm text NOT NULL,
    dataset_id text NOT NULL,
    metrics jsonb NOT NULL,
    answers jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (client_id, model_version_id) REFERENCES ml.model_versions (client_id, id),
    FOREIGN KEY (client_id, dataset_id) REFERENCES ml.datasets
);

CREATE TABLE ml.verdicts (
    id text PRIMARY KEY,
    client_id text NOT NULL REFERENCES app.clients,
    model_version_id text NOT NULL,
    dataset_id text NOT NULL,
    go boolean NOT NULL,
    verdict jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (client_id, model_version_id) REFERENCES ml.model_versions (client_id, id)
);

CREATE TABLE ml.rollouts (
    id text PRIMARY KEY,
    client_id text NOT NULL REFERENCES app.clients,
    task text NOT NULL,
    model_version_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('canary', 'production', 'archived', 'rolled_back')),
    share double precision NOT NULL CHECK (share BETWEEN 0 AND 1),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (client_id, id),
    FOREIGN KEY (client_id, model_version_id) REFERENCES ml.model_versions (client_id, id)
);
-- One canary and one production version a task: two commands at once cannot make two.
CREATE UNIQUE INDEX one_live_rollout ON ml.rollouts (client_id, task, state) WHERE state IN ('canary', 'production');

CREATE TABLE ml.rollout_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client_id text NOT NULL REFERENCES app.clients,
    rollout_id text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    evidence jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (client_id, rollout_id) REFERENCES ml.rollouts (client_id, id) ON DELETE CASCADE
);

DO $$
DECLARE
    place record;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'afina_app') THEN
        CREATE ROLE afina_app NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
    GRANT afina_app TO CURRENT_USER;
    FOR place IN
        SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND n.nspname IN ('app', 'ml')
    LOOP
        EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', place.nspname, place.relname);
        EXECUTE format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', place.nspname, place.relname);
        -- A setting that was set once in a session reads back as '' and not as NULL: hence nullif.
        EXECUTE format(
            'CREATE POLICY own_client ON %I.%I USING (client_id = nullif(current_setting(''app.client'', true), ''''))',
            place.nspname, place.relname
        );
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA app, ml, analytics TO afina_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA app, ml TO afina_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA app, ml TO afina_app;
-- The record of what was released, and why, is only ever added to.
REVOKE UPDATE, DELETE ON ml.rollout_events FROM afina_app;
