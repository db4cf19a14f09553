-- stage: rows of one import; COPY is refused on tables with row-level security, so they pass through here
CREATE TEMP TABLE staged_entries (
    id text, external_id text, user_external_id text, conversation text, task text, source text, text text,
    context jsonb, answer text, reaction text, facts jsonb, confidence double precision, created_at timestamptz,
    findings jsonb, feedback_id text, kind text, value jsonb, reviewer text, review_seconds double precision, rating smallint, comment text
) ON COMMIT DROP

-- copy_staged: fast bulk load into the staging table
COPY staged_entries FROM STDIN

-- conflicts: rows whose id was imported before with another text. What was scrubbed may differ since: rules change
SELECT s.external_id, s.text
FROM staged_entries s
JOIN app.interactions i ON i.source = s.source AND i.external_id = s.external_id
WHERE (i.text <> s.text AND i.findings = '{}' AND s.findings = '{}') OR i.task <> s.task
LIMIT 1

-- merge_interactions: what is new; a row imported before is left as it is
INSERT INTO app.interactions
    (id, client_id, external_id, user_external_id, conversation, task, source, text, context, answer, reaction, facts,
     confidence, findings, created_at)
SELECT
    id, current_setting('app.client'), external_id, user_external_id, conversation, task, source, text, context, answer,
    reaction, facts, confidence, findings, coalesce(created_at, now())
FROM staged_entries
ON CONFLICT (client_id, source, external_id) DO NOTHING

-- merge_feedback: the decisions that these rows did not bring before: a file that was corrected may be imported again
INSERT INTO app.feedback (id, client_id, interaction_id, kind, value, reviewer, review_seconds, rating, comment, created_at)
SELECT
    s.feedback_id, current_setting('app.client'), i.id, s.kind, s.value, s.reviewer, s.review_seconds, s.rating, s.comment,
    coalesce(s.created_at, now())
FROM staged_entries s
JOIN app.interactions i ON i.source = s.source AND i.external_id = s.external_id
WHERE s.feedback_id IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM app.feedback f
        WHERE f.interaction_id = i.id AND f.value = s.value AND f.rating IS NOT DISTINCT FROM s.rating AND f.comment = s.comment
            AND (f.kind IN ('rated', 'comment')) = (s.kind IN ('rated', 'comment'))
    )
    -- what was imported before there was scrubbing holds the same decision in its own words
    AND NOT (i.findings = '{}' AND s.findings <> '{}' AND EXISTS (SELECT 1 FROM app.decisions f WHERE f.interaction_id = i.id))

-- merge_users: people seen for the first time
INSERT INTO app.users (id, client_id, external_id)
SELECT DISTINCT ON (user_external_id) 'usr_' || md5(current_setting('app.client') || '/' || user_external_id),
    current_setting('app.client'), user_external_id
FROM staged_entries
WHERE user_external_id <> ''
ON CONFLICT DO NOTHING

-- add_users: the same, of live traffic
INSERT INTO app.users (id, client_id, external_id)
SELECT 'usr_' || md5(current_setting('app.client') || '/' || u), current_setting('app.client'), u
FROM unnest(%(users)s::text[]) u
ON CONFLICT DO NOTHING

-- add_interaction: one answered message of live traffic
INSERT INTO app.interactions
    (id, client_id, external_id, user_external_id, conversation, task, source, text, context, answer, reaction, facts,
     confidence, model_version_id, latency_ms, tokens_in, tokens_out, ok, error, fault, request_id, served_by, variant,
     rollout_id, drawn, canary_share, parameters, channel, product, category, cost, findings)
VALUES
    (%(id)s, current_setting('app.client'), %(external_id)s, %(user)s, %(conversation)s, %(task)s, %(source)s,
     %(text)s, %(context)s, %(answer)s, %(reaction)s, %(facts)s, %(confidence)s, %(model_version)s, %(latency_ms)s,
     %(tokens_in)s, %(tokens_out)s, %(ok)s, %(error)s, %(fault)s, %(request_id)s, %(served_by)s, %(variant)s,
     %(rollout)s, %(drawn)s, %(canary_share)s, %(parameters)s, %(channel)s, %(product)s, %(category)s, %(cost)s, %(findings)s)
ON CONFLICT (client_id, source, external_id) DO NOTHING

-- add_feedback: what one person said; the same record twice is once
INSERT INTO app.feedback
    (id, client_id, interaction_id, conversation, kind, value, rating, comment, reviewer, review_seconds)
VALUES
    (%(id)s, current_setting('app.client'), %(interaction)s, %(conversation)s, %(kind)s, %(value)s, %(rating)s,
     %(comment)s, %(reviewer)s, %(review_seconds)s)
ON CONFLICT (id) DO NOTHING

-- is_conversation: whether anything was said in it
SELECT EXISTS (SELECT 1 FROM app.interactions WHERE conversation = %(conversation)s) AS known

-- is_of_user: whether an interaction or all of a conversation is one person's
SELECT coalesce(bool_and(user_external_id = %(user)s), false) AS own
FROM app.interactions
WHERE id = %(interaction)s OR (%(interaction)s::text IS NULL AND conversation = %(conversation)s)

-- unreviewed: the review queue: what is doubted first, then the least confident
SELECT id, text, context, answer, confidence, user_external_id, suspect, field, given, suggested, decided
FROM app.review_queue
WHERE task = %(task)s
ORDER BY suspect IS NULL, score, confidence NULLS LAST, created_at
LIMIT %(limit)s

-- count_interactions: how much there is
SELECT messages, unique_messages, reviewed, corrections, mean_review_seconds
FROM analytics.review_stats
WHERE task = %(task)s

-- exchanges: every message with its latest feedback, the oldest decision first. Of one source (a file, the gateway) the order
-- of recording is the order of decisions, whatever times its rows bring: the later row of a file is the later decision.
-- The reaction to an answer is what its source says, or the next message of the same conversation.
SELECT
    i.id, i.text, i.context, i.answer, i.facts, i.user_external_id, i.conversation, i.source, i.channel, i.confidence, i.latency_ms,
    CASE WHEN i.ok THEN '' ELSE coalesce(nullif(i.error, ''), 'no answer') END AS error, i.findings, i.created_at, f.kind, f.value,
    CASE WHEN e.kind IN ('rating', 'sale') OR i.reaction = '' THEN e.quality END AS quality, e.kind AS evidence, e.rules[1] AS rule,
    CASE
        WHEN i.reaction <> '' OR i.conversation = '' THEN i.reaction
        ELSE coalesce(lead(i.text) OVER (PARTITION BY i.source, i.conversation ORDER BY i.created_at, i.id), '')
    END AS reaction,
    max(coalesce(f.created_at, i.created_at)) OVER (PARTITION BY i.source ORDER BY substr(coalesce(f.id, i.id), 5)) AS decided_at
FROM app.interactions i
LEFT JOIN LATERAL (
    SELECT id, kind, value, created_at FROM app.decisions WHERE interaction_id = i.id
    ORDER BY created_at DESC, id DESC LIMIT 1
) f ON true
LEFT JOIN app.evidence e ON e.interaction_id = i.id
WHERE i.task = %(task)s AND i.fault NOT IN ('request', 'client') AND (f.id IS NOT NULL OR NOT %(needs_feedback)s)
ORDER BY decided_at, substr(coalesce(f.id, i.id), 5)  -- without the prefix that names the record

-- recent_of_conversations: the newest interactions of conversations, the oldest of them first
SELECT c.conversation, i.id, i.text, i.answer
FROM unnest(%(conversations)s::text[]) AS c (conversation)
CROSS JOIN LATERAL (
    SELECT id, text, answer, created_at FROM app.interactions
    WHERE conversation = c.conversation AND ok
    ORDER BY created_at DESC, id DESC LIMIT %(newest)s
) i
ORDER BY c.conversation, i.created_at, i.id

-- save_signal: what reactions say of an answer, in place of what fewer of them said
INSERT INTO app.signals AS s (client_id, interaction_id, quality, first_quality, success, rules, rules_version, reaction_id)
VALUES (current_setting('app.client'), %(interaction)s, %(quality)s, %(quality)s, %(success)s, %(rules)s, %(version)s, %(reaction)s)
ON CONFLICT (client_id, interaction_id) DO UPDATE
SET quality = excluded.quality, success = excluded.success, rules = excluded.rules, rules_version = excluded.rules_version,
    reaction_id = excluded.reaction_id, scored_at = now()
WHERE (s.quality, s.success, s.rules, s.rules_version, s.reaction_id)
    IS DISTINCT FROM (excluded.quality, excluded.success, excluded.rules, excluded.rules_version, excluded.reaction_id)

-- product_ids: of the whole catalogue
SELECT id FROM app.products

-- save_product: new, or as the file has it now
INSERT INTO app.products (client_id, id, name, description, category, price, currency, stock, url, facts, words, name_words)
VALUES
    (current_setting('app.client'), %(id)s, %(name)s, %(description)s, %(category)s, %(price)s, %(currency)s, %(stock)s, %(url)s, %(facts)s,
     %(words)s, %(name_words)s)
ON CONFLICT (client_id, id) DO UPDATE SET
    name = excluded.name, description = excluded.description, category = excluded.category, price = excluded.price,
    currency = excluded.currency, stock = excluded.stock, url = excluded.url, facts = excluded.facts, words = excluded.words,
    name_words = excluded.name_words, updated_at = now()

-- delete_products: those that a new catalogue lacks
DELETE FROM app.products WHERE NOT id = ANY(%(kept)s)

-- list_products: by name
SELECT id, name, category, price::float AS price, currency, stock FROM app.products ORDER BY name, id
