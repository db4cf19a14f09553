-- Messages of channels from their arrival until they are answered. A platform sends a message again until it hears 200: the key makes it one.
-- `sealed` holds the message as it came, encrypted, and is emptied when it is answered.
CREATE TABLE app.inbox (
    client_id text NOT NULL REFERENCES app.clients,
    channel text NOT NULL,
    message_id text NOT NULL,
    sealed bytea,
    attempts integer NOT NULL DEFAULT 0,
    received_at timestamptz NOT NULL DEFAULT now(),
    claimed_at timestamptz NOT NULL DEFAULT now(),
    answered_at timestamptz,
    error text NOT NULL DEFAULT '',
    PRIMARY KEY (client_id, channel, message_id)
);
CREATE INDEX inbox_waiting ON app.inbox (client_id, claimed_at) WHERE answered_at IS NULL;

-- What channels say besides messages: statuses, templates, calls, media without words, forms that are not understood.
CREATE TABLE app.channel_events (
    client_id text NOT NULL REFERENCES app.clients,
    channel text NOT NULL,
    event_id text NOT NULL,
    kind text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, channel, event_id)
);

-- What a shop sells (document 003, B5). `words` is the folded text that messages are compared with.
CREATE TABLE app.products (
    client_id text NOT NULL REFERENCES app.clients,
    id text NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    category text NOT NULL DEFAULT '',
    price numeric CHECK (price >= 0),
    currency text NOT NULL DEFAULT 'CLP',
    stock integer,
    url text NOT NULL DEFAULT '',
    facts jsonb NOT NULL DEFAULT '{}',
    words text NOT NULL,
    name_words text NOT NULL,
    search tsvector GENERATED ALWAYS AS (setweight(to_tsvector('simple', name_words), 'A') || setweight(to_tsvector('simple', words), 'C')) STORED,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, id)
);
CREATE INDEX products_search ON app.products USING gin (search);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['inbox', 'channel_events', 'products'] LOOP
        EXECUTE format('ALTER TABLE app.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE app.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_client ON app.%I USING (client_id = nullif(current_setting(''app.client'', true), ''''))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON app.%I TO afina_app', name);
    END LOOP;
END $$;
GRANT SELECT ON app.channel_events, app.products TO afina_reader;
