-- reviewed: every message with its latest decision, the oldest decision first. Of one source (a file, the gateway) the order
-- of recording is the order of decisions, whatever times its rows bring: the later row of a file is the later decision.
SELECT
    i.id, i.text, i.user_external_id, i.conversation,
    -- an acceptance, or a correction of some fields, leaves the rest as it was answered
    (CASE WHEN i.answer IS JSON OBJECT THEN i.answer::jsonb ELSE '{}'::jsonb END) || f.value AS value,
    max(f.created_at) OVER (PARTITION BY i.source ORDER BY f.id) AS decided_at
FROM app.interactions i
JOIN LATERAL (
    SELECT id, value, created_at FROM app.feedback WHERE interaction_id = i.id ORDER BY created_at DESC, id DESC LIMIT 1
) f ON true
WHERE i.task = %(task)s
ORDER BY decided_at, f.id

-- clear: the judgement is made anew each time
DELETE FROM ml.examples WHERE task = %(task)s

-- add_example: one judged message
INSERT INTO ml.examples (id, client_id, interaction_id, task, text, target, group_key, kept, reason)
VALUES (%(id)s, current_setting('app.client'), %(source)s, %(task)s, %(text)s, %(target)s, %(group)s, %(kept)s, %(reason)s)

-- kept: examples in a fixed order
SELECT id, interaction_id, text, target, group_key FROM ml.examples WHERE task = %(task)s AND kept ORDER BY id
