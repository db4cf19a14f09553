-- add_run: a planned training
INSERT INTO ml.runs (id, client_id, dataset_id, base, state, config)
VALUES (%(id)s, current_setting('app.client'), %(dataset)s, %(base)s, 'planned', %(config)s)

-- get_run: one run
SELECT id, client_id, dataset_id, base, state, config, result, error FROM ml.runs WHERE id = %(id)s

-- newest_run: the last run of a task in one of some states
SELECT r.id, r.client_id, r.dataset_id, r.base, r.state, r.config, r.result, r.error
FROM ml.runs r JOIN ml.datasets d ON d.client_id = r.client_id AND d.id = r.dataset_id
WHERE d.task = %(task)s AND r.state = ANY(%(states)s)
ORDER BY r.created_at DESC LIMIT 1

-- move_run: from one of some states to another; no row means that the run was not in them
UPDATE ml.runs SET
    state = %(to)s,
    result = coalesce(%(result)s, result),
    error = %(error)s,
    started_at = CASE WHEN %(to)s = 'running' THEN now() ELSE started_at END,
    ended_at = CASE WHEN %(to)s IN ('done', 'failed', 'cancelled') THEN now() ELSE NULL END
WHERE id = %(id)s AND state = ANY(%(from)s)
RETURNING id
