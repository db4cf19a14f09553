-- Curation is a history: every judgement is a row that stays, with the run that made it. Datasets hang on interactions by a key, so
-- that an id leads from a served answer to the messages its model learnt from, and erasing finds every copy.
CREATE TABLE ml.curations (
    id text PRIMARY KEY,
    client_id text NOT NULL REFERENCES app.clients,
    task text NOT NULL,
    settings jsonb NOT NULL,
    steps jsonb NOT NULL,  -- [{name, rows, rejected}], in order
    kept integer NOT NULL,
    rejected integer NOT NULL,
    reused integer NOT NULL,  -- rows that were not judged again, because nothing had changed
    added integer NOT NULL DEFAULT 0,  -- judgements that differ from the last one of their row
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (client_id, id)
);

DROP VIEW ml.finetune_examples;
ALTER TABLE ml.examples DROP CONSTRAINT examples_pkey;
ALTER TABLE ml.examples
    ADD COLUMN seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ADD COLUMN curation_id text,  -- NULL: judged before there were runs
    ADD COLUMN step text NOT NULL DEFAULT '',  -- the one that rejected it
    ADD COLUMN fingerprint text NOT NULL DEFAULT '',
    ADD COLUMN origin jsonb NOT NULL DEFAULT '{}',
    ADD FOREIGN KEY (client_id, curation_id) REFERENCES ml.curations (client_id, id);
ALTER TABLE ml.examples NO FORCE ROW LEVEL SECURITY;
UPDATE ml.examples SET step = 'rules' WHERE NOT kept;
ALTER TABLE ml.examples FORCE ROW LEVEL SECURITY;
ALTER TABLE ml.examples ADD CONSTRAINT examples_step_check CHECK (kept = (step = ''));
CREATE INDEX examples_last ON ml.examples (client_id, task, id, seq DESC);
CREATE INDEX examples_of_interaction ON ml.examples (client_id, interaction_id);

-- What holds today: the last judgement of every example.
CREATE VIEW ml.judged WITH (security_invoker = true) AS
SELECT DISTINCT ON (client_id, task, id) * FROM ml.examples ORDER BY client_id, task, id, seq DESC;

CREATE VIEW ml.finetune_examples WITH (security_invoker = true) AS
SELECT
    e.client_id, e.id, e.interaction_id AS source_message_id, (e.turns -> -1) ->> 'content' AS prompt, e.answer AS completion,
    e.created_at, e.facts AS meta,
    CASE
        WHEN EXISTS (SELECT 1 FROM app.decisions d WHERE d.interaction_id = e.interaction_id) THEN 'high'
        WHEN EXISTS (SELECT 1 FROM app.ratings r WHERE r.interaction_id = e.interaction_id AND r.rating <= 2) THEN 'low'
        ELSE 'med'
    END AS quality
FROM ml.judged e
WHERE e.kept;

ALTER TABLE ml.dataset_examples
    ADD COLUMN origin jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN interaction_id text,  -- NULL: from outside (a held-out file, a planted secret, the base's own answer)
    ADD FOREIGN KEY (client_id, interaction_id) REFERENCES app.interactions (client_id, id);
ALTER TABLE ml.dataset_examples NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.interactions NO FORCE ROW LEVEL SECURITY;
UPDATE ml.dataset_examples e SET interaction_id = i.id FROM app.interactions i WHERE i.client_id = e.client_id AND i.id = e.source;
ALTER TABLE app.interactions FORCE ROW LEVEL SECURITY;
ALTER TABLE ml.dataset_examples FORCE ROW LEVEL SECURITY;
CREATE INDEX dataset_examples_of_interaction ON ml.dataset_examples (client_id, interaction_id);
CREATE INDEX interactions_of_user ON app.interactions (client_id, user_external_id) WHERE user_external_id <> '';
CREATE INDEX interactions_of_version ON app.interactions (client_id, model_version_id);

-- A dataset from which rows were erased holds fewer than its id says: it is a tombstone. What was trained on it must be rebuilt.
ALTER TABLE ml.datasets ADD COLUMN erased_rows integer NOT NULL DEFAULT 0, ADD COLUMN erased_at timestamptz;
ALTER TABLE ml.model_versions ADD COLUMN must_rebuild text NOT NULL DEFAULT '';

-- Decisions that people should look at again, before anything else.
CREATE TABLE ml.suspects (
    client_id text NOT NULL REFERENCES app.clients,
    interaction_id text NOT NULL,
    task text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('label', 'conflict')),
    field text NOT NULL DEFAULT '',
    given text NOT NULL DEFAULT '',
    suggested text NOT NULL DEFAULT '',
    score double precision NOT NULL DEFAULT 0,  -- 0 to 1; the lower, the less the decision is believed
    found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (client_id, interaction_id, kind, field),
    FOREIGN KEY (client_id, interaction_id) REFERENCES app.interactions (client_id, id) ON DELETE CASCADE
);

-- What people should decide: first what they should decide again, then answers that nobody looked at, the least confident first.
CREATE VIEW app.review_queue WITH (security_invoker = true) AS
SELECT
    i.client_id, i.task, i.id, i.text, i.context, i.answer, i.confidence, i.user_external_id, i.created_at,
    s.kind AS suspect, s.field, s.given, s.suggested, s.score, d.value AS decided
FROM app.interactions i
LEFT JOIN LATERAL (
    SELECT f.value, f.created_at FROM app.decisions f WHERE f.interaction_id = i.id ORDER BY f.created_at DESC, f.id DESC LIMIT 1
) d ON true
LEFT JOIN LATERAL (
    SELECT x.kind, x.field, x.given, x.suggested, x.score FROM ml.suspects x
    WHERE x.client_id = i.client_id AND x.interaction_id = i.id AND (d.created_at IS NULL OR d.created_at < x.found_at)
    ORDER BY x.score LIMIT 1
) s ON true
WHERE s.kind IS NOT NULL OR (i.ok AND i.answer <> '' AND d.value IS NULL);

-- That a person was erased, and what was touched; never who.
CREATE TABLE app.erasures (
    id text PRIMARY KEY,
    client_id text NOT NULL REFERENCES app.clients,
    found jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE ml.curations ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.curations FORCE ROW LEVEL SECURITY;
CREATE POLICY own_client ON ml.curations USING (client_id = nullif(current_setting('app.client', true), ''));
ALTER TABLE ml.suspects ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.suspects FORCE ROW LEVEL SECURITY;
CREATE POLICY own_client ON ml.suspects USING (client_id = nullif(current_setting('app.client', true), ''));
ALTER TABLE app.erasures ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.erasures FORCE ROW LEVEL SECURITY;
CREATE POLICY own_client ON app.erasures USING (client_id = nullif(current_setting('app.client', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON ml.curations, ml.suspects, app.erasures TO afina_app;
GRANT SELECT ON ml.curations, ml.suspects, app.erasures, ml.judged, ml.finetune_examples, app.review_queue TO afina_reader;
GRANT SELECT ON ml.judged, ml.finetune_examples, app.review_queue TO afina_app;
