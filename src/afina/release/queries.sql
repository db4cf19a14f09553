-- add_verdict: the written judgement
INSERT INTO ml.verdicts (id, client_id, model_version_id, dataset_id, go, verdict)
VALUES (%(id)s, current_setting('app.client'), %(version)s, %(dataset)s, %(go)s, %(verdict)s)

-- get_verdict: the last one about a version
SELECT go, verdict FROM ml.verdicts WHERE model_version_id = %(version)s ORDER BY created_at DESC LIMIT 1

-- lock_task: one change of a task's rollouts at a time
SELECT pg_advisory_xact_lock(hashtextextended(current_setting('app.client') || '/' || %(task)s, 0))

-- live: the task's rollouts by state
SELECT id, client_id, task, model_version_id, state, share FROM ml.rollouts
WHERE task = %(task)s AND state = ANY(%(states)s)
ORDER BY updated_at DESC

-- add_rollout: a version starts its way
INSERT INTO ml.rollouts (id, client_id, task, model_version_id, state, share)
VALUES (%(id)s, current_setting('app.client'), %(task)s, %(version)s, %(state)s, %(share)s)

-- move_rollout: a version moves on
UPDATE ml.rollouts SET state = %(state)s, share = %(share)s, updated_at = clock_timestamp() WHERE id = %(id)s

-- add_event: the audit record of a move
INSERT INTO ml.rollout_events (client_id, rollout_id, from_state, to_state, actor, reason, evidence)
VALUES (current_setting('app.client'), %(rollout)s, %(from)s, %(to)s, %(actor)s, %(reason)s, %(evidence)s)

-- events: the audit record of a task
SELECT e.created_at, v.name, e.from_state, e.to_state, e.actor, e.reason, e.evidence
FROM ml.rollout_events e
JOIN ml.rollouts r ON r.id = e.rollout_id
JOIN ml.model_versions v ON v.id = r.model_version_id
WHERE r.task = %(task)s
ORDER BY e.id

-- traffic: what a version did since its rollout began; what a caller asked wrongly, or left, is no deed of the version
SELECT
    count(*) AS requests,
    count(*) FILTER (WHERE NOT i.ok) AS errors,
    coalesce(percentile_cont(0.95) WITHIN GROUP (ORDER BY i.latency_ms), 0) AS p95_ms,
    count(f.kind) AS judged,
    count(*) FILTER (WHERE f.kind = 'accepted') AS accepted
FROM app.interactions i
LEFT JOIN LATERAL (
    SELECT kind FROM app.decisions WHERE interaction_id = i.id ORDER BY created_at DESC, id DESC LIMIT 1
) f ON true
WHERE i.model_version_id = %(version)s AND i.task = %(task)s AND i.fault NOT IN ('request', 'client')
    AND i.created_at >= (SELECT max(created_at) FROM ml.rollouts WHERE id = %(rollout)s)

-- must_rebuild: it learnt from what was erased since
SELECT must_rebuild FROM ml.model_versions WHERE id = %(version)s
