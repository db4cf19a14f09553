-- Who may: keys by their hash, what each has spent, and what was changed by whom.
CREATE TABLE app.api_keys (
    id text PRIMARY KEY,
    client_id text NOT NULL REFERENCES app.clients,
    name text NOT NULL CHECK (name <> ''),
    hash text NOT NULL UNIQUE,  -- SHA-256 of the key, which has 256 random bits: no slow hash is needed
    scopes text[] NOT NULL CHECK (scopes <> '{}' AND scopes <@ ARRAY['chat', 'feedback', 'trainer', 'admin']),
    requests_per_minute integer CHECK (requests_per_minute > 0),
    tokens_per_day bigint CHECK (tokens_per_day > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE UNIQUE INDEX one_live_key_of_a_name ON app.api_keys (client_id, name) WHERE revoked_at IS NULL;

-- Spent in a window that begins at starts_at: requests in a minute, tokens in a day. Reservations count until they are released.
CREATE TABLE app.key_spending (
    client_id text NOT NULL REFERENCES app.clients,
    key_id text NOT NULL REFERENCES app.api_keys ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('requests', 'tokens')),
    starts_at timestamptz NOT NULL,
    spent bigint NOT NULL CHECK (spent >= 0),
    PRIMARY KEY (client_id, key_id, kind, starts_at)
);

-- Append-only for the application: it may add and read, not change or delete.
CREATE TABLE app.audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client_id text NOT NULL REFERENCES app.clients,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL DEFAULT coalesce(nullif(current_setting('app.actor', true), ''), session_user),
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_by_time ON app.audit_log (client_id, at);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['api_keys', 'key_spending', 'audit_log'] LOOP
        EXECUTE format('ALTER TABLE app.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE app.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_client ON app.%I USING (client_id = nullif(current_setting(''app.client'', true), ''''))', t);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE ON app.api_keys TO afina_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.key_spending TO afina_app;
GRANT SELECT, INSERT ON app.audit_log TO afina_app;

-- Every change of who may what and of what is served or learnt from leaves a line, whoever makes it and however.
CREATE FUNCTION app.note_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
    row_ jsonb := CASE WHEN TG_OP = 'DELETE' THEN old_row ELSE new_row END;
BEGIN
    INSERT INTO app.audit_log (client_id, action, subject, detail)
    SELECT
        row_ ->> 'client_id', lower(TG_OP), TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME || '/' || (row_ ->> 'id'),
        coalesce(jsonb_object_agg(n.key, n.value) FILTER (WHERE n.value IS DISTINCT FROM old_row -> n.key), '{}')
    FROM jsonb_each(new_row - ARRAY['card', 'hash', 'verdict', 'answer_schema', 'prompt']) n;
    RETURN NULL;
END $$;
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON app.api_keys FOR EACH ROW EXECUTE FUNCTION app.note_change();
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON ml.model_versions FOR EACH ROW EXECUTE FUNCTION app.note_change();
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON ml.rollouts FOR EACH ROW EXECUTE FUNCTION app.note_change();
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON ml.datasets FOR EACH ROW EXECUTE FUNCTION app.note_change();
