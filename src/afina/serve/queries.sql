-- live_versions: what is in front of users now
SELECT r.id AS rollout, r.task, r.state, r.share, v.id, v.name, v.gguf, v.card
FROM ml.rollouts r JOIN ml.model_versions v ON v.id = r.model_version_id
WHERE r.state IN ('canary', 'production')
ORDER BY r.task, r.state
