-- add_event: what the loop did, or why it did nothing
INSERT INTO ml.loop_events (client_id, task, step, outcome, because, numbers, at)
VALUES (current_setting('app.client'), %(task)s, %(step)s, %(outcome)s, %(because)s, %(numbers)s, %(at)s)

-- events: the newest first
SELECT step, outcome, because, numbers, at FROM ml.loop_events WHERE task = %(task)s AND outcome <> 'begun' ORDER BY id DESC LIMIT %(limit)s

-- last_events: each step's last one
SELECT DISTINCT ON (step, outcome) step, outcome, because, at FROM ml.loop_events WHERE task = %(task)s ORDER BY step, outcome, id DESC

-- unfinished: steps that were begun so often without an end, since their last one
SELECT e.step, max(e.at) AS at
FROM ml.loop_events e
WHERE e.task = %(task)s AND e.outcome = 'begun' AND e.id > coalesce((
    SELECT max(o.id) FROM ml.loop_events o WHERE o.task = e.task AND o.step = e.step AND o.outcome IN ('done', 'failed')
), 0)
GROUP BY e.step HAVING count(*) >= %(often)s

-- was_tried: whether a version was ever put before users
SELECT EXISTS (SELECT 1 FROM ml.rollouts r JOIN ml.model_versions v ON v.id = r.model_version_id WHERE v.name = %(version)s) AS tried

-- generations: the tuned versions that were judged, the oldest first, each with its last verdict
SELECT DISTINCT ON (v.created_at, v.id) v.name, v.created_at, v.status, d.verdict
FROM ml.model_versions v
JOIN LATERAL (SELECT verdict FROM ml.verdicts d WHERE d.model_version_id = v.id ORDER BY d.created_at DESC LIMIT 1) d ON true
WHERE v.task = %(task)s AND v.run_id IS NOT NULL
ORDER BY v.created_at, v.id

-- traffic: who answered in a time, and what people said of it
SELECT
    coalesce(nullif(i.served_by, ''), i.model_version_id, i.source) AS model, i.variant, count(*) AS answers, count(DISTINCT nullif(i.user_external_id, '')) AS users,
    count(*) FILTER (WHERE NOT i.ok AND i.fault = 'model') AS errors,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY i.latency_ms) AS p95_ms,
    count(d.kind) AS decided, count(*) FILTER (WHERE d.kind = 'accepted') AS accepted, avg(e.quality) AS quality,
    sum(i.tokens_in + i.tokens_out) AS tokens, sum(i.cost) AS cost
FROM app.interactions i
LEFT JOIN LATERAL (SELECT kind FROM app.decisions WHERE interaction_id = i.id ORDER BY created_at DESC, id DESC LIMIT 1) d ON true
LEFT JOIN app.evidence e ON e.client_id = i.client_id AND e.interaction_id = i.id
WHERE i.task = %(task)s AND i.created_at >= %(since)s AND i.created_at < %(until)s
GROUP BY 1, 2 ORDER BY answers DESC LIMIT 50

-- moves: what was put before users in a time, and taken away
SELECT e.created_at AS at, v.name, e.from_state, e.to_state, e.actor, e.reason
FROM ml.rollout_events e JOIN ml.rollouts r ON r.id = e.rollout_id JOIN ml.model_versions v ON v.id = r.model_version_id
WHERE r.task = %(task)s AND e.created_at >= %(since)s AND e.created_at < %(until)s ORDER BY e.id

-- events_between: what the loop did in a time
SELECT step, outcome, because, numbers, at FROM ml.loop_events
WHERE task = %(task)s AND outcome <> 'begun' AND at >= %(since)s AND at < %(until)s ORDER BY id

-- has_successor: whether a later dataset of the task was frozen, though it may be buried
SELECT EXISTS (
    SELECT 1 FROM ml.datasets o JOIN ml.datasets d ON d.client_id = o.client_id AND d.task = o.task
    WHERE d.id = %(dataset)s AND o.created_at > d.created_at
) AS later

-- run_of: the newest run on a dataset
SELECT id FROM ml.runs WHERE dataset_id = %(dataset)s ORDER BY created_at DESC LIMIT 1

-- decided: answers of the version in production that people decided about, in the last week and before
SELECT
    count(*) FILTER (WHERE i.created_at >= %(since)s) AS decided, count(*) FILTER (WHERE i.created_at >= %(since)s AND d.kind = 'accepted') AS accepted,
    count(*) FILTER (WHERE i.created_at < %(since)s) AS decided_before,
    count(*) FILTER (WHERE i.created_at < %(since)s AND d.kind = 'accepted') AS accepted_before
FROM ml.rollouts r
JOIN app.interactions i ON i.model_version_id = r.model_version_id AND i.task = r.task
JOIN LATERAL (SELECT kind FROM app.decisions WHERE interaction_id = i.id ORDER BY created_at DESC, id DESC LIMIT 1) d ON true
WHERE r.task = %(task)s AND r.state = 'production' AND i.created_at < %(until)s
