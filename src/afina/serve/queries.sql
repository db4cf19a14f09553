-- live_versions: what is in front of users now
SELECT r.client_id, r.id AS rollout, r.task, r.state, r.share, v.id, v.name, v.gguf, v.card, extract(epoch FROM v.created_at)::bigint AS created
FROM ml.rollouts r JOIN ml.model_versions v ON v.id = r.model_version_id
WHERE r.state IN ('canary', 'production')
ORDER BY r.task, r.state

-- recent_latency: what the served feel now, in milliseconds; nothing when nobody asks
SELECT coalesce(percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms), 0) AS p95_ms
FROM app.interactions
WHERE client_id = current_setting('app.client') AND created_at >= now() - interval '30 seconds' AND latency_ms IS NOT NULL AND fault NOT IN ('request', 'client') AND variant IN ('production', 'canary')

-- shares: answers given here and elsewhere; tokens of the former, cost of the latter
SELECT
    coalesce(sum(answers) FILTER (WHERE variant <> 'upstream'), 0)::bigint AS here,
    coalesce(sum(answers) FILTER (WHERE variant = 'upstream'), 0)::bigint AS elsewhere,
    coalesce(sum(tokens_in) FILTER (WHERE variant <> 'upstream'), 0)::bigint AS tokens_in,
    coalesce(sum(tokens_out) FILTER (WHERE variant <> 'upstream'), 0)::bigint AS tokens_out,
    coalesce(sum(cost), 0)::float AS cost
FROM analytics.answered_by
WHERE task = %(task)s
