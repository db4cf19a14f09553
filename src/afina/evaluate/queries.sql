-- add_result: what one arm reached on one dataset's test part
INSERT INTO ml.eval_results (id, client_id, model_version_id, arm, dataset_id, metrics, answers)
VALUES (%(id)s, current_setting('app.client'), %(version)s, %(arm)s, %(dataset)s, %(metrics)s, %(answers)s)

-- newest_results: the last result of each arm of a comparison
SELECT DISTINCT ON (arm) arm, metrics, answers
FROM ml.eval_results
WHERE dataset_id = %(dataset)s AND (arm <> 'tuned' OR model_version_id = %(version)s)
ORDER BY arm, created_at DESC
