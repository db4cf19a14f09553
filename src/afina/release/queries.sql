-- add_verdict: the written judgement
INSERT INTO ml.verdicts (id, client_id, model_version_id, dataset_id, go, verdict)
VALUES (%(id)s, current_setting('app.client'), %(version)s, %(dataset)s, %(go)s, %(verdict)s)

-- get_verdict: the last one about a version
SELECT go, verdict FROM ml.verdicts WHERE model_version_id = %(version)s ORDER BY created_at DESC LIMIT 1

-- lock_task: one change of a task's rollouts at a time
SELECT pg_advisory_xact_lock(hashtextextended(current_setting('app.client') || '/' || %(task)s, 0))

-- live: the task's rollouts by state
SELECT id, client_id, task, model_version_id, state, share, status, because, created_at, stepped_at FROM ml.rollouts
WHERE task = %(task)s AND state = ANY(%(states)s)
ORDER BY updated_at DESC

-- add_rollout: a version starts its way
INSERT INTO ml.rollouts (id, client_id, task, model_version_id, state, share, created_at, stepped_at)
VALUES (%(id)s, current_setting('app.client'), %(task)s, %(version)s, %(state)s, %(share)s, coalesce(%(at)s, now()), coalesce(%(at)s, now()))

-- move_rollout: a version moves on
UPDATE ml.rollouts
SET state = %(state)s, share = %(share)s, status = %(status)s, because = %(because)s, updated_at = clock_timestamp(),
    stepped_at = coalesce(%(at)s, now())
WHERE id = %(id)s

-- note_status: how a canary is doing; tells whether that is news
UPDATE ml.rollouts SET status = %(status)s, because = %(because)s WHERE id = %(id)s AND state = 'canary' AND status <> %(status)s

-- add_event: the audit record of a move
INSERT INTO ml.rollout_events (client_id, rollout_id, from_state, to_state, actor, reason, evidence, created_at)
VALUES (current_setting('app.client'), %(rollout)s, %(from)s, %(to)s, %(actor)s, %(reason)s, %(evidence)s, coalesce(%(at)s, now()))

-- events: the audit record of a task
SELECT e.created_at, v.name, e.from_state, e.to_state, e.actor, e.reason, e.evidence
FROM ml.rollout_events e
JOIN ml.rollouts r ON r.id = e.rollout_id
JOIN ml.model_versions v ON v.id = r.model_version_id
WHERE r.task = %(task)s
ORDER BY e.id

-- canary_events: everything that was seen while a canary was running, in order of arrival; of each user, step of the ramp and measure the first. A user
-- without a name is their conversation. What a caller asked wrongly is no deed of a version; one who left waited as long as they did. Values are harm:
-- larger is worse. Costs are tokens: an answer of a server elsewhere has a price, one of this machine has none. Of scores the first counts, when it came.
WITH drawn AS (
    SELECT
        id, coalesce(nullif(user_external_id, ''), 'conversation/' || conversation) AS person, conversation,
        drawn = 'canary' AS canary, canary_share AS share, ok, fault, latency_ms, (tokens_in + tokens_out)::float AS cost, created_at
    FROM app.interactions
    WHERE rollout_id = %(rollout)s AND drawn <> '' AND fault <> 'request'
),
talks AS (
    SELECT
        person, conversation, min(created_at) AS began, max(created_at) AS ended,
        (array_agg(canary ORDER BY created_at))[1] AS canary, (array_agg(share ORDER BY created_at))[1] AS share
    FROM drawn WHERE conversation <> '' GROUP BY person, conversation
),
followed AS (SELECT *, lead(began) OVER (PARTITION BY person ORDER BY began) AS again FROM talks),
rated AS (
    SELECT d.person, d.canary, d.share, f.rating, f.created_at, f.id
    FROM app.feedback f JOIN drawn d ON d.id = f.interaction_id
    WHERE f.rating IS NOT NULL AND NOT f.value ? 'liked'
    UNION ALL
    SELECT t.person, t.canary, t.share, f.rating, f.created_at, f.id
    FROM app.feedback f JOIN talks t ON t.conversation = f.conversation
    WHERE f.rating IS NOT NULL AND NOT f.value ? 'liked' AND f.interaction_id IS NULL AND f.conversation <> ''
),
seen AS (
    SELECT person, canary, share, 'draws' AS measure, 0.0::float AS value, created_at AS at, id FROM drawn
    UNION ALL
    SELECT person, canary, share, 'errors', (NOT ok)::int, created_at, id FROM drawn WHERE fault <> 'client'
    UNION ALL
    SELECT person, canary, share, 'latency', latency_ms, created_at, id FROM drawn WHERE (ok OR fault = 'client') AND latency_ms IS NOT NULL
    UNION ALL
    SELECT person, canary, share, 'cost', cost, created_at, id FROM drawn WHERE ok AND cost IS NOT NULL
    UNION ALL
    SELECT
        d.person, d.canary, d.share, 'feedback', CASE WHEN f.kind = 'corrected' OR f.value ->> 'liked' = 'false' THEN 1.0 ELSE 0.0 END,
        f.created_at, f.id
    FROM app.feedback f JOIN drawn d ON d.id = f.interaction_id
    WHERE f.kind IN ('accepted', 'corrected') OR f.value ? 'liked'
    UNION ALL
    SELECT person, canary, share, 'csat', (5 - rating) / 4.0, created_at, id FROM rated
    UNION ALL
    SELECT d.person, d.canary, d.share, 'implicit', (5 - s.first_quality) / 4.0, s.first_scored_at, d.id
    FROM app.signals s JOIN drawn d ON d.id = s.interaction_id
    UNION ALL
    SELECT
        person, canary, share, 'recontact', CASE WHEN again < ended + interval '24 hours' THEN 1.0 ELSE 0.0 END,
        least(again, ended + interval '24 hours'), conversation
    FROM followed
    WHERE again IS NOT NULL OR ended + interval '24 hours' < %(now)s
),
once AS (SELECT DISTINCT ON (person, share, measure) * FROM seen ORDER BY person, share, measure, at, id)
SELECT person, canary, share, measure, value::float AS value FROM once ORDER BY at, id, measure

-- canary_counts: requests of the last day that were drawn to a canary, those it was not there for, and when it was met last
SELECT
    count(*) FILTER (WHERE drawn = 'canary' AND created_at >= %(now)s - interval '1 day') AS answered,
    count(*) FILTER (
        WHERE drawn = 'canary' AND variant <> 'canary' AND created_at >= %(now)s - interval '1 day'
            AND NOT EXISTS (
                SELECT 1 FROM app.interactions o
                WHERE o.rollout_id = %(rollout)s AND o.request_id = i.request_id AND o.variant = 'canary' AND o.id <> i.id
            )
    ) AS missed,
    max(created_at) FILTER (WHERE variant = 'canary') AS last_met
FROM app.interactions i
WHERE rollout_id = %(rollout)s AND fault <> 'request'

-- must_rebuild: it learnt from what was erased since
SELECT must_rebuild FROM ml.model_versions WHERE id = %(version)s
