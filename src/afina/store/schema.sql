-- What migrating yields; written by `make schema`.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA analytics;
CREATE SCHEMA app;
CREATE SCHEMA ml;
CREATE SCHEMA public;
COMMENT ON SCHEMA public IS 'standard public schema';
CREATE FUNCTION app.note_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION app.tell_gateways() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_notify('afina_live', TG_TABLE_NAME);
    RETURN NULL;
END $$;
CREATE FUNCTION ml.note_rollout() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE ml.model_versions v
    SET status = NEW.state, deployed_at = CASE WHEN NEW.state = 'production' THEN now() ELSE v.deployed_at END
    WHERE v.client_id = NEW.client_id AND v.id = NEW.model_version_id AND v.status <> NEW.state;
    RETURN NULL;
END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE app.interactions (
    id text NOT NULL,
    client_id text NOT NULL,
    external_id text NOT NULL,
    user_external_id text DEFAULT ''::text NOT NULL,
    conversation text DEFAULT ''::text NOT NULL,
    task text NOT NULL,
    source text NOT NULL,
    text text NOT NULL,
    answer text NOT NULL,
    confidence double precision,
    model_version_id text,
    latency_ms double precision,
    tokens_in integer,
    tokens_out integer,
    ok boolean DEFAULT true NOT NULL,
    error text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    fault text DEFAULT ''::text NOT NULL,
    context jsonb DEFAULT '[]'::jsonb NOT NULL,
    reaction text DEFAULT ''::text NOT NULL,
    facts jsonb DEFAULT '{}'::jsonb NOT NULL,
    request_id text DEFAULT ''::text NOT NULL,
    served_by text DEFAULT ''::text NOT NULL,
    variant text DEFAULT ''::text NOT NULL,
    parameters jsonb DEFAULT '{}'::jsonb NOT NULL,
    channel text DEFAULT ''::text NOT NULL,
    product text DEFAULT ''::text NOT NULL,
    category text DEFAULT ''::text NOT NULL,
    cost double precision,
    findings jsonb DEFAULT '{}'::jsonb NOT NULL,
    rollout_id text DEFAULT ''::text NOT NULL,
    drawn text DEFAULT ''::text NOT NULL,
    canary_share double precision,
    CONSTRAINT interactions_canary_share_check CHECK (((canary_share >= (0)::double precision) AND (canary_share <= (1)::double precision))),
    CONSTRAINT interactions_confidence_check CHECK (((confidence >= (0)::double precision) AND (confidence <= (1)::double precision))),
    CONSTRAINT interactions_cost_check CHECK ((cost >= (0)::double precision)),
    CONSTRAINT interactions_drawn_check CHECK ((drawn = ANY (ARRAY[''::text, 'canary'::text, 'production'::text]))),
    CONSTRAINT interactions_fault_check CHECK ((fault = ANY (ARRAY[''::text, 'request'::text, 'client'::text, 'model'::text]))),
    CONSTRAINT interactions_variant_check CHECK ((variant = ANY (ARRAY[''::text, 'production'::text, 'canary'::text, 'upstream'::text])))
);
ALTER TABLE ONLY app.interactions FORCE ROW LEVEL SECURITY;
CREATE VIEW analytics.answered_by WITH (security_invoker='true') AS
 SELECT client_id,
    task,
    (created_at)::date AS day,
    variant,
    served_by,
    count(*) AS answers,
    sum(COALESCE(tokens_in, 0)) AS tokens_in,
    sum(COALESCE(tokens_out, 0)) AS tokens_out,
    sum(COALESCE(cost, (0)::double precision)) AS cost
   FROM app.interactions
  WHERE (ok AND (variant <> ''::text))
  GROUP BY client_id, task, ((created_at)::date), variant, served_by;
CREATE TABLE app.feedback (
    id text NOT NULL,
    client_id text NOT NULL,
    interaction_id text,
    kind text NOT NULL,
    value jsonb NOT NULL,
    reviewer text DEFAULT ''::text NOT NULL,
    review_seconds double precision,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    conversation text DEFAULT ''::text NOT NULL,
    rating smallint,
    comment text DEFAULT ''::text NOT NULL,
    CONSTRAINT feedback_kind_check CHECK ((kind = ANY (ARRAY['accepted'::text, 'corrected'::text, 'rated'::text, 'outcome'::text, 'comment'::text]))),
    CONSTRAINT feedback_of_something CHECK (((interaction_id IS NOT NULL) OR (conversation <> ''::text))),
    CONSTRAINT feedback_rating_check CHECK (((rating >= 1) AND (rating <= 5))),
    CONSTRAINT feedback_review_seconds_check CHECK ((review_seconds >= (0)::double precision))
);
ALTER TABLE ONLY app.feedback FORCE ROW LEVEL SECURITY;
CREATE VIEW app.decisions WITH (security_invoker='true') AS
 SELECT id,
    client_id,
    interaction_id,
    kind,
    value,
    reviewer,
    review_seconds,
    created_at,
    conversation,
    rating,
    comment
   FROM app.feedback
  WHERE ((kind = ANY (ARRAY['accepted'::text, 'corrected'::text])) AND (interaction_id IS NOT NULL));
CREATE VIEW analytics.review_stats WITH (security_invoker='true') AS
 SELECT i.client_id,
    i.task,
    count(*) AS messages,
    count(DISTINCT i.text) AS unique_messages,
    count(f.id) AS reviewed,
    count(*) FILTER (WHERE (f.kind = 'corrected'::text)) AS corrections,
    avg(f.review_seconds) AS mean_review_seconds
   FROM (app.interactions i
     LEFT JOIN LATERAL ( SELECT decisions.id,
            decisions.client_id,
            decisions.interaction_id,
            decisions.kind,
            decisions.value,
            decisions.reviewer,
            decisions.review_seconds,
            decisions.created_at,
            decisions.conversation,
            decisions.rating,
            decisions.comment
           FROM app.decisions
          WHERE (decisions.interaction_id = i.id)
          ORDER BY decisions.created_at DESC, decisions.id DESC
         LIMIT 1) f ON (true))
  WHERE (i.fault <> ALL (ARRAY['request'::text, 'client'::text]))
  GROUP BY i.client_id, i.task;
CREATE VIEW analytics.vw_intent_quality WITH (security_invoker='true') AS
 WITH decided AS (
         SELECT i.client_id,
            i.task,
            f.key AS field,
            f.value AS truth,
                CASE
                    WHEN ((i.answer IS JSON OBJECT) AND (i.answer !~ '\\u(0000|[dD][89a-fA-F])'::text)) THEN ((i.answer)::jsonb ->> f.key)
                    ELSE NULL::text
                END AS predicted,
                CASE
                    WHEN ((i.answer IS JSON OBJECT) AND (i.answer !~ '\\u(0000|[dD][89a-fA-F])'::text)) THEN ((i.answer)::jsonb @> d_1.value)
                    ELSE false
                END AS exact
           FROM ((app.interactions i
             JOIN LATERAL ( SELECT decisions.value
                   FROM app.decisions
                  WHERE (decisions.interaction_id = i.id)
                  ORDER BY decisions.created_at DESC, decisions.id DESC
                 LIMIT 1) d_1 ON (true))
             CROSS JOIN LATERAL jsonb_each_text(d_1.value) f(key, value))
          WHERE (i.answer IS JSON OBJECT)
        ), labels AS (
         SELECT decided.client_id,
            decided.task,
            decided.field,
            decided.truth AS label
           FROM decided
        UNION
         SELECT decided.client_id,
            decided.task,
            decided.field,
            decided.predicted
           FROM decided
          WHERE (decided.predicted IS NOT NULL)
        )
 SELECT l.client_id,
    l.task,
    l.field,
    l.label AS intent,
    count(*) FILTER (WHERE (d.truth = l.label)) AS support,
    ((2.0 * (count(*) FILTER (WHERE ((d.truth = l.label) AND (d.predicted = l.label))))::numeric) / (NULLIF((count(*) FILTER (WHERE (d.truth = l.label)) + count(*) FILTER (WHERE (d.predicted = l.label))), 0))::numeric) AS f1,
    avg((d.exact)::integer) FILTER (WHERE (d.truth = l.label)) AS exact_slot,
    mode() WITHIN GROUP (ORDER BY d.predicted) FILTER (WHERE ((d.truth = l.label) AND (d.predicted <> l.label))) AS most_frequent_failure
   FROM (labels l
     JOIN decided d ON (((d.client_id = l.client_id) AND (d.task = l.task) AND (d.field = l.field))))
  GROUP BY l.client_id, l.task, l.field, l.label;
CREATE VIEW analytics.vw_tokens_cost WITH (security_invoker='true') AS
 SELECT client_id,
    user_external_id AS user_id,
    category AS intent,
    COALESCE(NULLIF(served_by, ''::text), model_version_id, ''::text) AS model,
    channel,
    (created_at)::date AS day,
    count(*) AS requests,
    sum(COALESCE(tokens_in, 0)) AS tokens_in,
    sum(COALESCE(tokens_out, 0)) AS tokens_out,
    sum(COALESCE(cost, (0)::double precision)) AS cost
   FROM app.interactions
  GROUP BY client_id, user_external_id, category, COALESCE(NULLIF(served_by, ''::text), model_version_id, ''::text), channel, ((created_at)::date);
CREATE VIEW app.ratings WITH (security_invoker='true') AS
 SELECT f.client_id,
    f.id,
    f.interaction_id,
    COALESCE(NULLIF(f.conversation, ''::text), i.conversation, ''::text) AS conversation,
    f.rating,
    f.comment,
    f.reviewer,
    f.created_at
   FROM (app.feedback f
     LEFT JOIN app.interactions i ON (((i.client_id = f.client_id) AND (i.id = f.interaction_id))))
  WHERE (f.rating IS NOT NULL);
CREATE VIEW analytics.vw_user_health WITH (security_invoker='true') AS
 SELECT i.client_id,
    i.user_external_id AS user_id,
    count(DISTINCT NULLIF(i.conversation, ''::text)) AS sessions,
    count(DISTINCT i.id) AS messages,
    min(i.created_at) AS first_seen,
    max(i.created_at) AS last_seen,
    count(DISTINCT (i.created_at)::date) AS days_active,
    (count(DISTINCT date_trunc('week'::text, i.created_at)) > 1) AS retained,
    avg(r.rating) AS satscore
   FROM (app.interactions i
     LEFT JOIN app.ratings r ON ((r.interaction_id = i.id)))
  WHERE (i.user_external_id <> ''::text)
  GROUP BY i.client_id, i.user_external_id;
CREATE TABLE app.api_keys (
    id text NOT NULL,
    client_id text NOT NULL,
    name text NOT NULL,
    hash text NOT NULL,
    scopes text[] NOT NULL,
    requests_per_minute integer,
    tokens_per_day bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    user_external_id text DEFAULT ''::text NOT NULL,
    CONSTRAINT api_keys_name_check CHECK ((name <> ''::text)),
    CONSTRAINT api_keys_requests_per_minute_check CHECK ((requests_per_minute > 0)),
    CONSTRAINT api_keys_scopes_check CHECK (((scopes <> '{}'::text[]) AND (scopes <@ ARRAY['view'::text, 'chat'::text, 'feedback'::text, 'trainer'::text, 'admin'::text]))),
    CONSTRAINT api_keys_tokens_per_day_check CHECK ((tokens_per_day > 0))
);
ALTER TABLE ONLY app.api_keys FORCE ROW LEVEL SECURITY;
CREATE TABLE app.audit_log (
    id bigint NOT NULL,
    client_id text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text DEFAULT COALESCE(NULLIF(current_setting('app.actor'::text, true), ''::text), (SESSION_USER)::text) NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL
);
ALTER TABLE ONLY app.audit_log FORCE ROW LEVEL SECURITY;
ALTER TABLE app.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME app.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE app.channel_events (
    client_id text NOT NULL,
    channel text NOT NULL,
    event_id text NOT NULL,
    kind text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY app.channel_events FORCE ROW LEVEL SECURITY;
CREATE TABLE app.clients (
    client_id text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT clients_client_id_check CHECK ((client_id <> ''::text))
);
ALTER TABLE ONLY app.clients FORCE ROW LEVEL SECURITY;
CREATE TABLE app.erasures (
    id text NOT NULL,
    client_id text NOT NULL,
    found jsonb NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY app.erasures FORCE ROW LEVEL SECURITY;
CREATE VIEW app.event_log WITH (security_invoker='true') AS
 SELECT client_id,
    id,
    conversation AS session_id,
    COALESCE(NULLIF(served_by, ''::text), model_version_id) AS model,
    tokens_in,
    tokens_out,
    latency_ms,
    ok,
    error AS error_msg,
    created_at,
    request_id,
    variant,
    channel,
    cost
   FROM app.interactions;
CREATE TABLE app.signals (
    client_id text NOT NULL,
    interaction_id text NOT NULL,
    quality smallint NOT NULL,
    success boolean NOT NULL,
    rules text[] NOT NULL,
    rules_version integer NOT NULL,
    reaction_id text NOT NULL,
    scored_at timestamp with time zone DEFAULT now() NOT NULL,
    first_quality smallint NOT NULL,
    first_scored_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT signals_first_quality_check CHECK (((first_quality >= 1) AND (first_quality <= 5))),
    CONSTRAINT signals_quality_check CHECK (((quality >= 1) AND (quality <= 5)))
);
ALTER TABLE ONLY app.signals FORCE ROW LEVEL SECURITY;
CREATE VIEW app.evidence WITH (security_invoker='true') AS
 SELECT i.client_id,
    i.id AS interaction_id,
    COALESCE((rated.rating)::integer,
        CASE
            WHEN (sold.id IS NOT NULL) THEN 5
            ELSE NULL::integer
        END, (s.quality)::integer) AS quality,
    ((sold.id IS NOT NULL) OR COALESCE(s.success, false)) AS success,
        CASE
            WHEN (rated.rating IS NOT NULL) THEN 'rating'::text
            WHEN (sold.id IS NOT NULL) THEN 'sale'::text
            WHEN (s.quality IS NOT NULL) THEN 'reaction'::text
            ELSE NULL::text
        END AS kind,
    s.rules,
    GREATEST(rated.created_at, sold.created_at, s.scored_at) AS evaluated_at
   FROM (((app.interactions i
     LEFT JOIN app.signals s ON (((s.client_id = i.client_id) AND (s.interaction_id = i.id))))
     LEFT JOIN LATERAL ( SELECT r.rating,
            r.created_at
           FROM (( SELECT f.rating,
                    f.created_at,
                    0 AS wider
                   FROM app.feedback f
                  WHERE ((f.client_id = i.client_id) AND (f.interaction_id = i.id) AND (f.rating IS NOT NULL))
                  ORDER BY f.created_at DESC, f.id DESC
                 LIMIT 1)
                UNION ALL
                ( SELECT f.rating,
                    f.created_at,
                    1
                   FROM app.feedback f
                  WHERE ((f.client_id = i.client_id) AND (f.conversation = i.conversation) AND (f.conversation <> ''::text) AND (f.interaction_id IS NULL) AND (f.rating IS NOT NULL))
                  ORDER BY f.created_at DESC, f.id DESC
                 LIMIT 1)) r
          ORDER BY r.wider
         LIMIT 1) rated ON (true))
     LEFT JOIN LATERAL ( SELECT o.id,
            o.created_at
           FROM (( SELECT f.id,
                    f.created_at
                   FROM app.feedback f
                  WHERE ((f.client_id = i.client_id) AND (f.interaction_id = i.id) AND (f.kind = 'outcome'::text) AND ((f.value ->> 'name'::text) = 'sale'::text))
                  ORDER BY f.created_at DESC, f.id DESC
                 LIMIT 1)
                UNION ALL
                ( SELECT f.id,
                    f.created_at
                   FROM app.feedback f
                  WHERE ((f.client_id = i.client_id) AND (f.conversation = i.conversation) AND (f.conversation <> ''::text) AND (f.interaction_id IS NULL) AND (f.kind = 'outcome'::text) AND ((f.value ->> 'name'::text) = 'sale'::text))
                  ORDER BY f.created_at DESC, f.id DESC
                 LIMIT 1)) o
          ORDER BY o.created_at DESC, o.id DESC
         LIMIT 1) sold ON (true))
  WHERE ((rated.rating IS NOT NULL) OR (sold.id IS NOT NULL) OR (s.quality IS NOT NULL));
CREATE TABLE app.inbox (
    client_id text NOT NULL,
    channel text NOT NULL,
    message_id text NOT NULL,
    sealed bytea,
    attempts integer DEFAULT 0 NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    claimed_at timestamp with time zone DEFAULT now() NOT NULL,
    answered_at timestamp with time zone,
    error text DEFAULT ''::text NOT NULL
);
ALTER TABLE ONLY app.inbox FORCE ROW LEVEL SECURITY;
CREATE TABLE app.key_spending (
    client_id text NOT NULL,
    key_id text NOT NULL,
    kind text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    spent bigint NOT NULL,
    CONSTRAINT key_spending_kind_check CHECK ((kind = ANY (ARRAY['requests'::text, 'tokens'::text]))),
    CONSTRAINT key_spending_spent_check CHECK ((spent >= 0))
);
ALTER TABLE ONLY app.key_spending FORCE ROW LEVEL SECURITY;
CREATE VIEW app.messages WITH (security_invoker='true') AS
 SELECT interactions.client_id,
    (interactions.id || '/user'::text) AS id,
    interactions.conversation AS session_id,
    'user'::text AS sender,
    interactions.text,
    interactions.parameters AS raw,
    interactions.created_at AS ts,
    interactions.external_id AS platform_msg_id
   FROM app.interactions
UNION ALL
 SELECT interactions.client_id,
    (interactions.id || '/bot'::text) AS id,
    interactions.conversation AS session_id,
    'bot'::text AS sender,
    interactions.answer AS text,
    '{}'::jsonb AS raw,
    interactions.created_at AS ts,
    interactions.external_id AS platform_msg_id
   FROM app.interactions;
CREATE TABLE app.products (
    client_id text NOT NULL,
    id text NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    category text DEFAULT ''::text NOT NULL,
    price numeric,
    currency text DEFAULT 'CLP'::text NOT NULL,
    stock integer,
    url text DEFAULT ''::text NOT NULL,
    facts jsonb DEFAULT '{}'::jsonb NOT NULL,
    words text NOT NULL,
    name_words text NOT NULL,
    search tsvector GENERATED ALWAYS AS ((setweight(to_tsvector('simple'::regconfig, name_words), 'A'::"char") || setweight(to_tsvector('simple'::regconfig, words), 'C'::"char"))) STORED,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT products_price_check CHECK ((price >= (0)::numeric))
);
ALTER TABLE ONLY app.products FORCE ROW LEVEL SECURITY;
CREATE TABLE ml.suspects (
    client_id text NOT NULL,
    interaction_id text NOT NULL,
    task text NOT NULL,
    kind text NOT NULL,
    field text DEFAULT ''::text NOT NULL,
    given text DEFAULT ''::text NOT NULL,
    suggested text DEFAULT ''::text NOT NULL,
    score double precision DEFAULT 0 NOT NULL,
    found_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT suspects_kind_check CHECK ((kind = ANY (ARRAY['label'::text, 'conflict'::text])))
);
ALTER TABLE ONLY ml.suspects FORCE ROW LEVEL SECURITY;
CREATE VIEW app.review_queue WITH (security_invoker='true') AS
 SELECT i.client_id,
    i.task,
    i.id,
    i.text,
    i.context,
    i.answer,
    i.confidence,
    i.user_external_id,
    i.created_at,
    s.kind AS suspect,
    s.field,
    s.given,
    s.suggested,
    s.score,
    d.value AS decided
   FROM ((app.interactions i
     LEFT JOIN LATERAL ( SELECT f.value,
            f.created_at
           FROM app.decisions f
          WHERE (f.interaction_id = i.id)
          ORDER BY f.created_at DESC, f.id DESC
         LIMIT 1) d ON (true))
     LEFT JOIN LATERAL ( SELECT x.kind,
            x.field,
            x.given,
            x.suggested,
            x.score
           FROM ml.suspects x
          WHERE ((x.client_id = i.client_id) AND (x.interaction_id = i.id) AND ((d.created_at IS NULL) OR (d.created_at < x.found_at)))
          ORDER BY x.score
         LIMIT 1) s ON (true))
  WHERE ((s.kind IS NOT NULL) OR (i.ok AND (i.answer <> ''::text) AND (d.value IS NULL)));
CREATE VIEW app.sessions WITH (security_invoker='true') AS
 SELECT client_id,
    user_external_id AS user_id,
    conversation AS id,
    min(created_at) AS started_at,
    max(created_at) AS ended_at,
    COALESCE(NULLIF(min(channel), ''::text), min(source)) AS channel
   FROM app.interactions
  GROUP BY client_id, user_external_id, conversation;
CREATE TABLE app.user_prefs (
    client_id text NOT NULL,
    user_id text NOT NULL,
    budget_goal numeric,
    categories_json jsonb DEFAULT '[]'::jsonb NOT NULL,
    privacy_flags jsonb DEFAULT '{}'::jsonb NOT NULL
);
ALTER TABLE ONLY app.user_prefs FORCE ROW LEVEL SECURITY;
CREATE TABLE app.users (
    id text NOT NULL,
    client_id text NOT NULL,
    external_id text NOT NULL,
    channel text DEFAULT ''::text NOT NULL,
    locale text DEFAULT 'es'::text NOT NULL,
    intensity numeric(2,1) DEFAULT 0.5 NOT NULL,
    tone text DEFAULT 'neutral'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_intensity_check CHECK (((intensity >= (0)::numeric) AND (intensity <= (1)::numeric))),
    CONSTRAINT users_tone_check CHECK ((tone = ANY (ARRAY['coach'::text, 'neutral'::text, 'formal'::text])))
);
ALTER TABLE ONLY app.users FORCE ROW LEVEL SECURITY;
CREATE TABLE ml.curations (
    id text NOT NULL,
    client_id text NOT NULL,
    task text NOT NULL,
    settings jsonb NOT NULL,
    steps jsonb NOT NULL,
    kept integer NOT NULL,
    rejected integer NOT NULL,
    reused integer NOT NULL,
    added integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY ml.curations FORCE ROW LEVEL SECURITY;
CREATE TABLE ml.dataset_examples (
    client_id text NOT NULL,
    dataset_id text NOT NULL,
    example_id text NOT NULL,
    split text NOT NULL,
    "position" integer NOT NULL,
    group_key text NOT NULL,
    turns jsonb NOT NULL,
    answer text NOT NULL,
    stratum text DEFAULT ''::text NOT NULL,
    source text DEFAULT ''::text NOT NULL,
    facts jsonb DEFAULT '{}'::jsonb NOT NULL,
    origin jsonb DEFAULT '{}'::jsonb NOT NULL,
    interaction_id text,
    CONSTRAINT dataset_examples_split_check CHECK ((split = ANY (ARRAY['train'::text, 'validation'::text, 'test'::text])))
);
ALTER TABLE ONLY ml.dataset_examples FORCE ROW LEVEL SECURITY;
CREATE TABLE ml.datasets (
    id text NOT NULL,
    client_id text NOT NULL,
    task text NOT NULL,
    card jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    kind text DEFAULT 'classify'::text NOT NULL,
    prompt text DEFAULT ''::text NOT NULL,
    answer_schema json,
    erased_rows integer DEFAULT 0 NOT NULL,
    erased_at timestamp with time zone
);
ALTER TABLE ONLY ml.datasets FORCE ROW LEVEL SECURITY;
CREATE TABLE ml.verdicts (
    id text NOT NULL,
    client_id text NOT NULL,
    model_version_id text NOT NULL,
    dataset_id text NOT NULL,
    go boolean NOT NULL,
    verdict jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY ml.verdicts FORCE ROW LEVEL SECURITY;
CREATE VIEW ml.eval_results WITH (security_invoker='true') AS
 SELECT v.client_id,
    v.model_version_id AS model_version,
    ((v.verdict -> 'eval_set'::text) ->> 'id'::text) AS eval_set,
    (arm.value ->> 'name'::text) AS arm,
    metric.key AS metric,
    ((metric.value ->> 'score'::text))::double precision AS value,
    v.created_at,
    v.model_version_id,
    ((v.verdict -> 'eval_set'::text) ->> 'id'::text) AS eval_set_id,
    (arm.value -> 'scores'::text) AS metrics
   FROM ((ml.verdicts v
     CROSS JOIN LATERAL jsonb_array_elements((v.verdict -> 'arms'::text)) arm(value))
     CROSS JOIN LATERAL jsonb_each((arm.value -> 'scores'::text)) metric(key, value));
CREATE VIEW ml.eval_sets WITH (security_invoker='true') AS
 SELECT d.client_id,
    e.example_id AS id,
    ((d.task || '/'::text) || d.id) AS name,
        CASE e.split
            WHEN 'test'::text THEN 'test'::text
            ELSE 'dev'::text
        END AS split,
    jsonb_build_object('turns', e.turns, 'answer', e.answer) AS item,
    jsonb_build_object('kind', d.kind) AS metric,
    d.id AS dataset_id
   FROM (ml.dataset_examples e
     JOIN ml.datasets d ON (((d.client_id = e.client_id) AND (d.id = e.dataset_id))))
  WHERE (e.split = ANY (ARRAY['validation'::text, 'test'::text]));
CREATE TABLE ml.examples (
    id text NOT NULL,
    client_id text NOT NULL,
    interaction_id text NOT NULL,
    task text NOT NULL,
    group_key text NOT NULL,
    kept boolean NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    turns jsonb NOT NULL,
    answer text NOT NULL,
    stratum text NOT NULL,
    facts jsonb NOT NULL,
    "position" integer NOT NULL,
    seq bigint NOT NULL,
    curation_id text,
    step text DEFAULT ''::text NOT NULL,
    fingerprint text DEFAULT ''::text NOT NULL,
    origin jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT examples_check CHECK ((kept = (reason = ''::text))),
    CONSTRAINT examples_step_check CHECK ((kept = (step = ''::text)))
);
ALTER TABLE ONLY ml.examples FORCE ROW LEVEL SECURITY;
ALTER TABLE ml.examples ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ml.examples_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE VIEW ml.judged WITH (security_invoker='true') AS
 SELECT DISTINCT ON (client_id, task, id) id,
    client_id,
    interaction_id,
    task,
    group_key,
    kept,
    reason,
    created_at,
    turns,
    answer,
    stratum,
    facts,
    "position",
    seq,
    curation_id,
    step,
    fingerprint,
    origin
   FROM ml.examples
  ORDER BY client_id, task, id, seq DESC;
CREATE VIEW ml.finetune_examples WITH (security_invoker='true') AS
 SELECT client_id,
    id,
    interaction_id AS source_message_id,
    ((turns -> '-1'::integer) ->> 'content'::text) AS prompt,
    answer AS completion,
    created_at,
    facts AS meta,
        CASE
            WHEN (EXISTS ( SELECT 1
               FROM app.decisions d
              WHERE (d.interaction_id = e.interaction_id))) THEN 'high'::text
            WHEN (EXISTS ( SELECT 1
               FROM app.ratings r
              WHERE ((r.interaction_id = e.interaction_id) AND (r.rating <= 2)))) THEN 'low'::text
            ELSE 'med'::text
        END AS quality
   FROM ml.judged e
  WHERE kept;
CREATE TABLE ml.loop_events (
    id bigint NOT NULL,
    client_id text NOT NULL,
    task text NOT NULL,
    step text NOT NULL,
    outcome text NOT NULL,
    because text NOT NULL,
    numbers jsonb DEFAULT '{}'::jsonb NOT NULL,
    at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY ml.loop_events FORCE ROW LEVEL SECURITY;
ALTER TABLE ml.loop_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ml.loop_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE ml.model_versions (
    id text NOT NULL,
    client_id text NOT NULL,
    name text NOT NULL,
    task text NOT NULL,
    base text NOT NULL,
    run_id text,
    gguf text NOT NULL,
    quantisation text NOT NULL,
    card json DEFAULT '{}'::json NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    provider text DEFAULT 'afina'::text NOT NULL,
    base_model text GENERATED ALWAYS AS (base) STORED,
    finetune_id text GENERATED ALWAYS AS (run_id) STORED,
    status text DEFAULT 'candidate'::text NOT NULL,
    deployed_at timestamp with time zone,
    notes text DEFAULT ''::text NOT NULL,
    must_rebuild text DEFAULT ''::text NOT NULL,
    CONSTRAINT model_versions_status_check CHECK ((status = ANY (ARRAY['candidate'::text, 'canary'::text, 'production'::text, 'archived'::text, 'rolled_back'::text])))
);
ALTER TABLE ONLY ml.model_versions FORCE ROW LEVEL SECURITY;
CREATE VIEW ml.nlu_annotations WITH (security_invoker='true') AS
 SELECT i.client_id,
    i.id AS message_id,
    (f.value ->> 'intent'::text) AS intent,
    f.value AS slots,
    i.confidence,
    f.reviewer AS reviewed_by,
    true AS is_gold
   FROM (app.interactions i
     JOIN LATERAL ( SELECT decisions.id,
            decisions.client_id,
            decisions.interaction_id,
            decisions.kind,
            decisions.value,
            decisions.reviewer,
            decisions.review_seconds,
            decisions.created_at,
            decisions.conversation,
            decisions.rating,
            decisions.comment
           FROM app.decisions
          WHERE (decisions.interaction_id = i.id)
          ORDER BY decisions.created_at DESC, decisions.id DESC
         LIMIT 1) f ON (true));
CREATE TABLE ml.rollout_events (
    id bigint NOT NULL,
    client_id text NOT NULL,
    rollout_id text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    evidence jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY ml.rollout_events FORCE ROW LEVEL SECURITY;
ALTER TABLE ml.rollout_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ml.rollout_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE ml.rollouts (
    id text NOT NULL,
    client_id text NOT NULL,
    task text NOT NULL,
    model_version_id text NOT NULL,
    state text NOT NULL,
    share double precision NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    status text DEFAULT 'running'::text NOT NULL,
    because text DEFAULT ''::text NOT NULL,
    stepped_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT rollouts_share_check CHECK (((share >= (0)::double precision) AND (share <= (1)::double precision))),
    CONSTRAINT rollouts_state_check CHECK ((state = ANY (ARRAY['canary'::text, 'production'::text, 'archived'::text, 'rolled_back'::text]))),
    CONSTRAINT rollouts_status_check CHECK ((status = ANY (ARRAY['running'::text, 'paused'::text, 'unhealthy'::text, 'guardrail failing'::text, 'ready'::text, 'stuck'::text, 'reverted'::text])))
);
ALTER TABLE ONLY ml.rollouts FORCE ROW LEVEL SECURITY;
CREATE TABLE ml.runs (
    id text NOT NULL,
    client_id text NOT NULL,
    dataset_id text NOT NULL,
    base text NOT NULL,
    state text NOT NULL,
    config jsonb NOT NULL,
    result jsonb DEFAULT '{}'::jsonb NOT NULL,
    error text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT runs_state_check CHECK ((state = ANY (ARRAY['planned'::text, 'running'::text, 'done'::text, 'failed'::text, 'cancelled'::text])))
);
ALTER TABLE ONLY ml.runs FORCE ROW LEVEL SECURITY;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE VIEW public.finetuning_dataset WITH (security_invoker='true') AS
 SELECT i.client_id,
    i.id AS interaction_id,
    i.text,
        CASE
            WHEN (i.answer IS JSON OBJECT) THEN (i.answer)::jsonb
            ELSE '{}'::jsonb
        END AS predicted,
    i.confidence,
    f.value AS corrected,
        CASE
            WHEN (i.answer IS JSON OBJECT) THEN ((i.answer)::jsonb ->> 'sentiment'::text)
            ELSE NULL::text
        END AS ai_sentiment,
        CASE
            WHEN (i.answer IS JSON OBJECT) THEN ((i.answer)::jsonb ->> 'topic'::text)
            ELSE NULL::text
        END AS ai_topic,
        CASE
            WHEN (i.answer IS JSON OBJECT) THEN ((i.answer)::jsonb ->> 'intent'::text)
            ELSE NULL::text
        END AS ai_intent,
    (f.value ->> 'sentiment'::text) AS corrected_sentiment,
    (f.value ->> 'topic'::text) AS corrected_topic,
    (f.value ->> 'intent'::text) AS corrected_intent,
    (f.kind = 'corrected'::text) AS was_corrected,
    f.reviewer,
    f.review_seconds,
    f.created_at
   FROM (app.interactions i
     JOIN LATERAL ( SELECT decisions.id,
            decisions.client_id,
            decisions.interaction_id,
            decisions.kind,
            decisions.value,
            decisions.reviewer,
            decisions.review_seconds,
            decisions.created_at,
            decisions.conversation,
            decisions.rating,
            decisions.comment
           FROM app.decisions
          WHERE (decisions.interaction_id = i.id)
          ORDER BY decisions.created_at DESC, decisions.id DESC
         LIMIT 1) f ON (true));
CREATE VIEW public.training_data WITH (security_invoker='true') AS
 SELECT i.id,
    i.client_id AS "userId",
    i.conversation AS "conversationId",
    i.text AS "userMessage",
    i.answer AS "botResponse",
    i.context,
    i.product AS "productId",
    (i.facts ->> 'product_name'::text) AS "productName",
    i.category,
    e.quality AS "qualityScore",
    COALESCE(e.success, false) AS "wasSuccessful",
    COALESCE(NULLIF(i.reaction, ''::text), ( SELECT n.text
           FROM app.interactions n
          WHERE ((n.client_id = i.client_id) AND (n.conversation = i.conversation) AND (i.conversation <> ''::text) AND (ROW(n.created_at, n.id) > ROW(i.created_at, i.id)))
          ORDER BY n.created_at, n.id
         LIMIT 1)) AS "userFeedback",
    i.created_at AS "createdAt",
    e.evaluated_at AS "evaluatedAt",
    i.user_external_id AS "customerId"
   FROM (app.interactions i
     LEFT JOIN app.evidence e ON (((e.interaction_id = i.id) AND (e.client_id = i.client_id))));
ALTER TABLE ONLY app.api_keys
    ADD CONSTRAINT api_keys_hash_key UNIQUE (hash);
ALTER TABLE ONLY app.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY app.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY app.channel_events
    ADD CONSTRAINT channel_events_pkey PRIMARY KEY (client_id, channel, event_id);
ALTER TABLE ONLY app.clients
    ADD CONSTRAINT clients_pkey PRIMARY KEY (client_id);
ALTER TABLE ONLY app.erasures
    ADD CONSTRAINT erasures_pkey PRIMARY KEY (id);
ALTER TABLE ONLY app.feedback
    ADD CONSTRAINT feedback_pkey PRIMARY KEY (id);
ALTER TABLE ONLY app.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (client_id, channel, message_id);
ALTER TABLE ONLY app.interactions
    ADD CONSTRAINT interactions_client_id_id_key UNIQUE (client_id, id);
ALTER TABLE ONLY app.interactions
    ADD CONSTRAINT interactions_client_id_source_external_id_key UNIQUE (client_id, source, external_id);
ALTER TABLE ONLY app.interactions
    ADD CONSTRAINT interactions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY app.key_spending
    ADD CONSTRAINT key_spending_pkey PRIMARY KEY (client_id, key_id, kind, starts_at);
ALTER TABLE ONLY app.products
    ADD CONSTRAINT products_pkey PRIMARY KEY (client_id, id);
ALTER TABLE ONLY app.signals
    ADD CONSTRAINT signals_pkey PRIMARY KEY (client_id, interaction_id);
ALTER TABLE ONLY app.user_prefs
    ADD CONSTRAINT user_prefs_pkey PRIMARY KEY (client_id, user_id);
ALTER TABLE ONLY app.users
    ADD CONSTRAINT users_client_id_channel_external_id_key UNIQUE (client_id, channel, external_id);
ALTER TABLE ONLY app.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ml.curations
    ADD CONSTRAINT curations_client_id_id_key UNIQUE (client_id, id);
ALTER TABLE ONLY ml.curations
    ADD CONSTRAINT curations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ml.dataset_examples
    ADD CONSTRAINT dataset_examples_pkey PRIMARY KEY (client_id, dataset_id, split, "position");
ALTER TABLE ONLY ml.datasets
    ADD CONSTRAINT datasets_pkey PRIMARY KEY (client_id, id);
ALTER TABLE ONLY ml.examples
    ADD CONSTRAINT examples_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY ml.loop_events
    ADD CONSTRAINT loop_events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ml.model_versions
    ADD CONSTRAINT model_versions_client_id_id_key UNIQUE (client_id, id);
ALTER TABLE ONLY ml.model_versions
    ADD CONSTRAINT model_versions_client_id_name_key UNIQUE (client_id, name);
ALTER TABLE ONLY ml.model_versions
    ADD CONSTRAINT model_versions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ml.rollout_events
    ADD CONSTRAINT rollout_events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ml.rollouts
    ADD CONSTRAINT rollouts_client_id_id_key UNIQUE (client_id, id);
ALTER TABLE ONLY ml.rollouts
    ADD CONSTRAINT rollouts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ml.runs
    ADD CONSTRAINT runs_client_id_id_key UNIQUE (client_id, id);
ALTER TABLE ONLY ml.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ml.suspects
    ADD CONSTRAINT suspects_pkey PRIMARY KEY (client_id, interaction_id, kind, field);
ALTER TABLE ONLY ml.verdicts
    ADD CONSTRAINT verdicts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
CREATE INDEX audit_by_time ON app.audit_log USING btree (client_id, at);
CREATE INDEX feedback_of_conversation ON app.feedback USING btree (client_id, conversation, created_at) WHERE (conversation <> ''::text);
CREATE INDEX feedback_of_interaction ON app.feedback USING btree (interaction_id, created_at);
CREATE INDEX inbox_waiting ON app.inbox USING btree (client_id, claimed_at) WHERE (answered_at IS NULL);
CREATE INDEX interactions_by_request ON app.interactions USING btree (client_id, request_id) WHERE (request_id <> ''::text);
CREATE INDEX interactions_by_time ON app.interactions USING btree (client_id, task, created_at);
CREATE INDEX interactions_of_conversation ON app.interactions USING btree (client_id, conversation, created_at) WHERE (conversation <> ''::text);
CREATE INDEX interactions_of_rollout ON app.interactions USING btree (client_id, rollout_id) WHERE (rollout_id <> ''::text);
CREATE INDEX interactions_of_user ON app.interactions USING btree (client_id, user_external_id) WHERE (user_external_id <> ''::text);
CREATE INDEX interactions_of_version ON app.interactions USING btree (client_id, model_version_id);
CREATE UNIQUE INDEX one_live_key_of_a_name ON app.api_keys USING btree (client_id, name) WHERE (revoked_at IS NULL);
CREATE INDEX products_search ON app.products USING gin (search);
CREATE INDEX dataset_examples_of_interaction ON ml.dataset_examples USING btree (client_id, interaction_id);
CREATE INDEX examples_last ON ml.examples USING btree (client_id, task, id, seq DESC);
CREATE INDEX examples_of_interaction ON ml.examples USING btree (client_id, interaction_id);
CREATE INDEX loop_events_of_task ON ml.loop_events USING btree (client_id, task, id DESC);
CREATE UNIQUE INDEX one_live_rollout ON ml.rollouts USING btree (client_id, task, state) WHERE (state = ANY (ARRAY['canary'::text, 'production'::text]));
CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON app.api_keys FOR EACH ROW EXECUTE FUNCTION app.note_change();
CREATE TRIGGER told AFTER INSERT OR DELETE OR UPDATE ON app.api_keys FOR EACH STATEMENT EXECUTE FUNCTION app.tell_gateways();
CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON ml.datasets FOR EACH ROW EXECUTE FUNCTION app.note_change();
CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON ml.model_versions FOR EACH ROW EXECUTE FUNCTION app.note_change();
CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE ON ml.rollouts FOR EACH ROW EXECUTE FUNCTION app.note_change();
CREATE TRIGGER noted AFTER INSERT OR UPDATE OF state ON ml.rollouts FOR EACH ROW EXECUTE FUNCTION ml.note_rollout();
CREATE TRIGGER told AFTER INSERT OR DELETE OR UPDATE ON ml.rollouts FOR EACH STATEMENT EXECUTE FUNCTION app.tell_gateways();
ALTER TABLE ONLY app.api_keys
    ADD CONSTRAINT api_keys_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY app.audit_log
    ADD CONSTRAINT audit_log_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY app.channel_events
    ADD CONSTRAINT channel_events_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY app.erasures
    ADD CONSTRAINT erasures_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY app.feedback
    ADD CONSTRAINT feedback_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY app.feedback
    ADD CONSTRAINT feedback_client_id_interaction_id_fkey FOREIGN KEY (client_id, interaction_id) REFERENCES app.interactions(client_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY app.inbox
    ADD CONSTRAINT inbox_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY app.interactions
    ADD CONSTRAINT interactions_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY app.key_spending
    ADD CONSTRAINT key_spending_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY app.key_spending
    ADD CONSTRAINT key_spending_key_id_fkey FOREIGN KEY (key_id) REFERENCES app.api_keys(id) ON DELETE CASCADE;
ALTER TABLE ONLY app.products
    ADD CONSTRAINT products_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY app.signals
    ADD CONSTRAINT signals_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY app.signals
    ADD CONSTRAINT signals_client_id_interaction_id_fkey FOREIGN KEY (client_id, interaction_id) REFERENCES app.interactions(client_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY app.user_prefs
    ADD CONSTRAINT user_prefs_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY app.user_prefs
    ADD CONSTRAINT user_prefs_user_id_fkey FOREIGN KEY (user_id) REFERENCES app.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY app.users
    ADD CONSTRAINT users_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY ml.curations
    ADD CONSTRAINT curations_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY ml.dataset_examples
    ADD CONSTRAINT dataset_examples_client_id_dataset_id_fkey FOREIGN KEY (client_id, dataset_id) REFERENCES ml.datasets(client_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY ml.dataset_examples
    ADD CONSTRAINT dataset_examples_client_id_interaction_id_fkey FOREIGN KEY (client_id, interaction_id) REFERENCES app.interactions(client_id, id);
ALTER TABLE ONLY ml.datasets
    ADD CONSTRAINT datasets_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY ml.examples
    ADD CONSTRAINT examples_client_id_curation_id_fkey FOREIGN KEY (client_id, curation_id) REFERENCES ml.curations(client_id, id);
ALTER TABLE ONLY ml.examples
    ADD CONSTRAINT examples_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY ml.examples
    ADD CONSTRAINT examples_client_id_interaction_id_fkey FOREIGN KEY (client_id, interaction_id) REFERENCES app.interactions(client_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY ml.loop_events
    ADD CONSTRAINT loop_events_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY ml.model_versions
    ADD CONSTRAINT model_versions_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY ml.model_versions
    ADD CONSTRAINT model_versions_client_id_run_id_fkey FOREIGN KEY (client_id, run_id) REFERENCES ml.runs(client_id, id);
ALTER TABLE ONLY ml.rollout_events
    ADD CONSTRAINT rollout_events_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY ml.rollout_events
    ADD CONSTRAINT rollout_events_client_id_rollout_id_fkey FOREIGN KEY (client_id, rollout_id) REFERENCES ml.rollouts(client_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY ml.rollouts
    ADD CONSTRAINT rollouts_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY ml.rollouts
    ADD CONSTRAINT rollouts_client_id_model_version_id_fkey FOREIGN KEY (client_id, model_version_id) REFERENCES ml.model_versions(client_id, id);
ALTER TABLE ONLY ml.runs
    ADD CONSTRAINT runs_client_id_dataset_id_fkey FOREIGN KEY (client_id, dataset_id) REFERENCES ml.datasets(client_id, id);
ALTER TABLE ONLY ml.runs
    ADD CONSTRAINT runs_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY ml.suspects
    ADD CONSTRAINT suspects_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY ml.suspects
    ADD CONSTRAINT suspects_client_id_interaction_id_fkey FOREIGN KEY (client_id, interaction_id) REFERENCES app.interactions(client_id, id) ON DELETE CASCADE;
ALTER TABLE ONLY ml.verdicts
    ADD CONSTRAINT verdicts_client_id_fkey FOREIGN KEY (client_id) REFERENCES app.clients(client_id);
ALTER TABLE ONLY ml.verdicts
    ADD CONSTRAINT verdicts_client_id_model_version_id_fkey FOREIGN KEY (client_id, model_version_id) REFERENCES ml.model_versions(client_id, id);
ALTER TABLE app.api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.channel_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.clients ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.erasures ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.feedback ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.inbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.interactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.key_spending ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_client ON app.api_keys USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON app.audit_log USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON app.channel_events USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON app.clients USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON app.erasures USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON app.feedback USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON app.inbox USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON app.interactions USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON app.key_spending USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON app.products USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON app.signals USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON app.user_prefs USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON app.users USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
ALTER TABLE app.products ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.signals ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.user_prefs ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.curations ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.dataset_examples ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.datasets ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.examples ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.loop_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.model_versions ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_client ON ml.curations USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON ml.dataset_examples USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON ml.datasets USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON ml.examples USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON ml.loop_events USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON ml.model_versions USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON ml.rollout_events USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON ml.rollouts USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON ml.runs USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON ml.suspects USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
CREATE POLICY own_client ON ml.verdicts USING ((client_id = NULLIF(current_setting('app.client'::text, true), ''::text)));
ALTER TABLE ml.rollout_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.rollouts ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.suspects ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.verdicts ENABLE ROW LEVEL SECURITY;
GRANT USAGE ON SCHEMA analytics TO afina_app;
GRANT USAGE ON SCHEMA analytics TO afina_reader;
GRANT USAGE ON SCHEMA app TO afina_app;
GRANT USAGE ON SCHEMA app TO afina_reader;
GRANT USAGE ON SCHEMA ml TO afina_app;
GRANT USAGE ON SCHEMA ml TO afina_reader;
GRANT USAGE ON SCHEMA public TO afina_app;
GRANT USAGE ON SCHEMA public TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.interactions TO afina_app;
GRANT SELECT ON TABLE app.interactions TO afina_reader;
GRANT SELECT ON TABLE analytics.answered_by TO afina_app;
GRANT SELECT ON TABLE analytics.answered_by TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.feedback TO afina_app;
GRANT SELECT ON TABLE app.feedback TO afina_reader;
GRANT SELECT ON TABLE app.decisions TO afina_app;
GRANT SELECT ON TABLE app.decisions TO afina_reader;
GRANT SELECT ON TABLE analytics.review_stats TO afina_app;
GRANT SELECT ON TABLE analytics.review_stats TO afina_reader;
GRANT SELECT ON TABLE analytics.vw_intent_quality TO afina_app;
GRANT SELECT ON TABLE analytics.vw_intent_quality TO afina_reader;
GRANT SELECT ON TABLE analytics.vw_tokens_cost TO afina_app;
GRANT SELECT ON TABLE analytics.vw_tokens_cost TO afina_reader;
GRANT SELECT ON TABLE app.ratings TO afina_app;
GRANT SELECT ON TABLE app.ratings TO afina_reader;
GRANT SELECT ON TABLE analytics.vw_user_health TO afina_app;
GRANT SELECT ON TABLE analytics.vw_user_health TO afina_reader;
GRANT SELECT,INSERT,UPDATE ON TABLE app.api_keys TO afina_app;
GRANT SELECT,INSERT ON TABLE app.audit_log TO afina_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.channel_events TO afina_app;
GRANT SELECT ON TABLE app.channel_events TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.clients TO afina_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.erasures TO afina_app;
GRANT SELECT ON TABLE app.erasures TO afina_reader;
GRANT SELECT ON TABLE app.event_log TO afina_app;
GRANT SELECT ON TABLE app.event_log TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.signals TO afina_app;
GRANT SELECT ON TABLE app.signals TO afina_reader;
GRANT SELECT ON TABLE app.evidence TO afina_app;
GRANT SELECT ON TABLE app.evidence TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.inbox TO afina_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.key_spending TO afina_app;
GRANT SELECT ON TABLE app.messages TO afina_app;
GRANT SELECT ON TABLE app.messages TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.products TO afina_app;
GRANT SELECT ON TABLE app.products TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE ml.suspects TO afina_app;
GRANT SELECT ON TABLE ml.suspects TO afina_reader;
GRANT SELECT ON TABLE app.review_queue TO afina_reader;
GRANT SELECT ON TABLE app.review_queue TO afina_app;
GRANT SELECT ON TABLE app.sessions TO afina_app;
GRANT SELECT ON TABLE app.sessions TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.user_prefs TO afina_app;
GRANT SELECT ON TABLE app.user_prefs TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE app.users TO afina_app;
GRANT SELECT ON TABLE app.users TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE ml.curations TO afina_app;
GRANT SELECT ON TABLE ml.curations TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE ml.dataset_examples TO afina_app;
GRANT SELECT ON TABLE ml.dataset_examples TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE ml.datasets TO afina_app;
GRANT SELECT ON TABLE ml.datasets TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE ml.verdicts TO afina_app;
GRANT SELECT ON TABLE ml.verdicts TO afina_reader;
GRANT SELECT ON TABLE ml.eval_results TO afina_app;
GRANT SELECT ON TABLE ml.eval_results TO afina_reader;
GRANT SELECT ON TABLE ml.eval_sets TO afina_app;
GRANT SELECT ON TABLE ml.eval_sets TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE ml.examples TO afina_app;
GRANT SELECT ON TABLE ml.examples TO afina_reader;
GRANT SELECT ON TABLE ml.judged TO afina_reader;
GRANT SELECT ON TABLE ml.judged TO afina_app;
GRANT SELECT ON TABLE ml.finetune_examples TO afina_reader;
GRANT SELECT ON TABLE ml.finetune_examples TO afina_app;
GRANT SELECT,INSERT ON TABLE ml.loop_events TO afina_app;
GRANT SELECT ON TABLE ml.loop_events TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE ml.model_versions TO afina_app;
GRANT SELECT ON TABLE ml.model_versions TO afina_reader;
GRANT UPDATE(status) ON TABLE ml.model_versions TO afina_app;
GRANT UPDATE(deployed_at) ON TABLE ml.model_versions TO afina_app;
GRANT UPDATE(notes) ON TABLE ml.model_versions TO afina_app;
GRANT SELECT ON TABLE ml.nlu_annotations TO afina_app;
GRANT SELECT ON TABLE ml.nlu_annotations TO afina_reader;
GRANT SELECT,INSERT ON TABLE ml.rollout_events TO afina_app;
GRANT SELECT ON TABLE ml.rollout_events TO afina_reader;
GRANT USAGE ON SEQUENCE ml.rollout_events_id_seq TO afina_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE ml.rollouts TO afina_app;
GRANT SELECT ON TABLE ml.rollouts TO afina_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE ml.runs TO afina_app;
GRANT SELECT ON TABLE ml.runs TO afina_reader;
GRANT SELECT ON TABLE public.finetuning_dataset TO afina_app;
GRANT SELECT ON TABLE public.finetuning_dataset TO afina_reader;
GRANT SELECT ON TABLE public.training_data TO afina_app;
GRANT SELECT ON TABLE public.training_data TO afina_reader;
