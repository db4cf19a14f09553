-- Every answer says which canary was running, whom the draw fell on and how likely that was: what a canary is judged by. A rollout says how it
-- stands, and the loop why it did what it did.
ALTER TABLE app.interactions
    ADD COLUMN rollout_id text NOT NULL DEFAULT '',
    ADD COLUMN drawn text NOT NULL DEFAULT '' CHECK (drawn IN ('', 'canary', 'production')),
    ADD COLUMN canary_share double precision CHECK (canary_share BETWEEN 0 AND 1);
CREATE INDEX interactions_of_rollout ON app.interactions (client_id, rollout_id) WHERE rollout_id <> '';

ALTER TABLE app.signals  -- a score may change with what is said later; a canary is judged by the first, when it came
    ADD COLUMN first_quality smallint CHECK (first_quality BETWEEN 1 AND 5),
    ADD COLUMN first_scored_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE app.signals NO FORCE ROW LEVEL SECURITY;
UPDATE app.signals SET first_quality = quality, first_scored_at = scored_at;
ALTER TABLE app.signals FORCE ROW LEVEL SECURITY;
ALTER TABLE app.signals ALTER COLUMN first_quality SET NOT NULL;

ALTER TABLE ml.rollouts
    ADD COLUMN status text NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'paused', 'unhealthy', 'guardrail failing', 'ready', 'stuck', 'reverted')),
    ADD COLUMN because text NOT NULL DEFAULT '',
    ADD COLUMN stepped_at timestamptz NOT NULL DEFAULT now();  -- since when it has its share

CREATE TABLE ml.loop_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client_id text NOT NULL REFERENCES app.clients,
    task text NOT NULL,
    step text NOT NULL,  -- curate, train, evaluate, … or skip
    outcome text NOT NULL,  -- done, failed, skipped
    because text NOT NULL,
    numbers jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL  -- by the loop's clock
);
CREATE INDEX loop_events_of_task ON ml.loop_events (client_id, task, id DESC);
ALTER TABLE ml.loop_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.loop_events FORCE ROW LEVEL SECURITY;
CREATE POLICY own_client ON ml.loop_events USING (client_id = nullif(current_setting('app.client', true), ''));
GRANT SELECT, INSERT ON ml.loop_events TO afina_app;
GRANT SELECT ON ml.loop_events TO afina_reader;
