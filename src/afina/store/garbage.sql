-- known: every id that files may belong to
SELECT id FROM ml.runs UNION ALL SELECT id FROM ml.model_versions UNION ALL SELECT id FROM ml.datasets
