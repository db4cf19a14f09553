-- texts: all that a person wrote or was answered, and what people wrote about it
SELECT text FROM app.interactions WHERE user_external_id = %(user)s
UNION ALL SELECT answer FROM app.interactions WHERE user_external_id = %(user)s AND answer IS NOT JSON OBJECT
UNION ALL SELECT reaction FROM app.interactions WHERE user_external_id = %(user)s
UNION ALL SELECT t ->> 'content' FROM app.interactions i, jsonb_array_elements(i.context) t
    WHERE i.user_external_id = %(user)s AND t ->> 'role' <> 'system'
UNION ALL SELECT f.comment FROM app.feedback f JOIN app.interactions i ON i.id = f.interaction_id WHERE i.user_external_id = %(user)s
UNION ALL SELECT f.value ->> 'answer' FROM app.feedback f JOIN app.interactions i ON i.id = f.interaction_id
    WHERE i.user_external_id = %(user)s AND f.value ->> 'answer' IS NOT NULL
UNION ALL SELECT f.comment FROM app.feedback f
    WHERE f.interaction_id IS NULL AND f.conversation IN (SELECT conversation FROM app.interactions WHERE user_external_id = %(user)s AND conversation <> '')

-- others: what everybody else wrote, and what the operator did
SELECT text FROM app.interactions WHERE user_external_id <> %(user)s
UNION ALL SELECT answer FROM app.interactions WHERE user_external_id <> %(user)s
UNION ALL SELECT reaction FROM app.interactions WHERE user_external_id <> %(user)s AND reaction <> ''
UNION ALL SELECT t ->> 'content' FROM app.interactions i, jsonb_array_elements(i.context) t
    WHERE i.user_external_id <> %(user)s OR t ->> 'role' = 'system'
UNION ALL SELECT f.comment FROM app.feedback f JOIN app.interactions i ON i.id = f.interaction_id WHERE i.user_external_id <> %(user)s
UNION ALL SELECT f.value ->> 'answer' FROM app.feedback f JOIN app.interactions i ON i.id = f.interaction_id
    WHERE i.user_external_id <> %(user)s AND f.value ->> 'answer' IS NOT NULL
UNION ALL SELECT description FROM app.products
UNION ALL SELECT prompt FROM ml.datasets

-- counts: what the tables hold of a person
SELECT
    (SELECT count(*) FROM app.interactions WHERE user_external_id = %(user)s) AS interactions,
    (SELECT count(*) FROM app.feedback f JOIN app.interactions i ON i.id = f.interaction_id WHERE i.user_external_id = %(user)s)
    + (SELECT count(*) FROM app.feedback f WHERE f.interaction_id IS NULL AND f.conversation IN
        (SELECT conversation FROM app.interactions WHERE user_external_id = %(user)s AND conversation <> '')) AS feedback,
    (SELECT count(*) FROM ml.examples e JOIN app.interactions i ON i.id = e.interaction_id WHERE i.user_external_id = %(user)s) AS judgements,
    (SELECT count(*) FROM app.users WHERE external_id = %(user)s) AS users,
    (SELECT count(*) FROM app.api_keys WHERE user_external_id = %(user)s) AS keys,
    (SELECT count(*) FROM app.inbox WHERE sealed IS NOT NULL) AS waiting

-- datasets: that hold rows of a person, and how many of them are learnt from
SELECT e.dataset_id AS id, d.task, count(*) AS rows, count(*) FILTER (WHERE e.split <> 'test') AS learnt
FROM ml.dataset_examples e
JOIN ml.datasets d ON (d.client_id, d.id) = (e.client_id, e.dataset_id)
JOIN app.interactions i ON i.id = e.interaction_id
WHERE i.user_external_id = %(user)s GROUP BY e.dataset_id, d.task ORDER BY 1

-- versions: that were trained on one of some datasets
SELECT v.id, v.name, v.task, v.status, r.dataset_id FROM ml.model_versions v JOIN ml.runs r ON r.id = v.run_id
WHERE r.dataset_id = ANY(%(datasets)s) ORDER BY v.created_at, v.id

-- delete_dataset_examples: before what they were made of
DELETE FROM ml.dataset_examples e USING app.interactions i WHERE i.id = e.interaction_id AND i.user_external_id = %(user)s

-- bury: a dataset with fewer rows than its id says
UPDATE ml.datasets SET erased_rows = erased_rows + %(rows)s, erased_at = now() WHERE id = %(id)s

-- must_rebuild: what learnt from it
UPDATE ml.model_versions SET must_rebuild = %(reason)s WHERE id = ANY(%(versions)s) AND must_rebuild = ''

-- delete_talk_feedback: about whole conversations of a person
DELETE FROM app.feedback WHERE interaction_id IS NULL AND conversation IN
    (SELECT conversation FROM app.interactions WHERE user_external_id = %(user)s AND conversation <> '')

-- delete_interactions: feedback, signals, judgements and suspects go with them
DELETE FROM app.interactions WHERE user_external_id = %(user)s

-- delete_events: that a channel noted about a person
DELETE FROM app.channel_events WHERE detail ->> 'user' = %(user)s OR detail ->> 'conversation' = %(user)s

-- delete_keys: bound to a person
DELETE FROM app.api_keys WHERE user_external_id = %(user)s

-- delete_user: preferences go with them
DELETE FROM app.users WHERE external_id = %(user)s

-- audit_of: entries that name a person
SELECT id, subject, detail FROM app.audit_log WHERE detail::text LIKE '%%' || %(user)s || '%%'

-- forget_in_audit: the name, not the deed
UPDATE app.audit_log SET detail = %(detail)s WHERE id = %(id)s

-- verdicts: of a client
SELECT id, verdict FROM ml.verdicts

-- change_verdict: its texts, not its figures
UPDATE ml.verdicts SET verdict = %(verdict)s WHERE id = %(id)s

-- add_erasure: that it happened
INSERT INTO app.erasures (id, client_id, found) VALUES (%(id)s, current_setting('app.client'), %(found)s)
