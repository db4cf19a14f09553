-- identify: what an id or name is; the kinds in the order of the wheel
SELECT 'interaction' AS kind, id FROM app.interactions WHERE id = %(id)s OR (request_id = %(id)s AND request_id <> '')
UNION ALL SELECT 'feedback', id FROM app.feedback WHERE id = %(id)s
UNION ALL (SELECT 'example', id FROM ml.examples WHERE id = %(id)s LIMIT 1)
UNION ALL (SELECT 'example', example_id FROM ml.dataset_examples WHERE example_id = %(id)s LIMIT 1)
UNION ALL SELECT 'curation', id FROM ml.curations WHERE id = %(id)s
UNION ALL SELECT 'dataset', id FROM ml.datasets WHERE id = %(id)s
UNION ALL SELECT 'run', id FROM ml.runs WHERE id = %(id)s
UNION ALL SELECT 'version', id FROM ml.model_versions WHERE id = %(id)s OR name = %(id)s
UNION ALL SELECT 'rollout', id FROM ml.rollouts WHERE id = %(id)s
UNION ALL SELECT 'user', external_id FROM app.users WHERE id = %(id)s OR external_id = %(id)s
LIMIT 1

-- interaction: one answer
SELECT id, text, answer, source, served_by, model_version_id, created_at, user_external_id FROM app.interactions WHERE id = %(id)s

-- feedback: one word of a person
SELECT id, kind, value, rating, interaction_id, conversation, reviewer, created_at FROM app.feedback WHERE id = %(id)s

-- feedback_of: what people said of an interaction or of its conversation
SELECT f.id, f.kind, f.value, f.rating, f.reviewer, f.created_at
FROM app.interactions i
JOIN app.feedback f ON f.interaction_id = i.id OR (f.interaction_id IS NULL AND f.conversation = i.conversation AND i.conversation <> '')
WHERE i.id = %(id)s ORDER BY f.created_at, f.id

-- interactions_of_feedback: what a word of a person is about
SELECT i.id FROM app.feedback f
JOIN app.interactions i ON i.id = f.interaction_id OR (f.interaction_id IS NULL AND i.conversation = f.conversation AND f.conversation <> '')
WHERE f.id = %(id)s ORDER BY i.created_at, i.id

-- interactions_of_user: all that a person said
SELECT id FROM app.interactions WHERE user_external_id = %(id)s ORDER BY created_at, id

-- example: as it was judged last, or as it was frozen
SELECT id, interaction_id, answer, kept, step, reason, origin ->> 'evidence' AS evidence, curation_id
FROM ml.judged WHERE id = %(id)s
UNION ALL
SELECT e.example_id, e.interaction_id, e.answer, true, '', '', e.origin ->> 'evidence', NULL
FROM ml.dataset_examples e WHERE e.example_id = %(id)s AND NOT EXISTS (SELECT 1 FROM ml.examples x WHERE x.id = %(id)s)
LIMIT 1

-- examples_of: of an interaction
SELECT id FROM ml.judged WHERE interaction_id = %(id)s
UNION SELECT example_id FROM ml.dataset_examples WHERE interaction_id = %(id)s ORDER BY id

-- curated_in: examples that a curation judged anew
SELECT id FROM ml.examples WHERE curation_id = %(id)s ORDER BY seq

-- datasets_of: that hold an example
SELECT d.id, e.split FROM ml.dataset_examples e JOIN ml.datasets d ON (d.client_id, d.id) = (e.client_id, e.dataset_id)
WHERE e.example_id = %(id)s ORDER BY d.created_at, d.id

-- dataset: with its rows
SELECT id, task, card -> 'rows' AS rows, created_at, erased_rows FROM ml.datasets WHERE id = %(id)s

-- dataset_examples: in their frozen order
SELECT example_id AS id, split, interaction_id, source FROM ml.dataset_examples WHERE dataset_id = %(id)s ORDER BY split, position

-- runs_on: a dataset
SELECT id FROM ml.runs WHERE dataset_id = %(id)s ORDER BY created_at, id

-- run: one training
SELECT id, dataset_id, base, state, created_at FROM ml.runs WHERE id = %(id)s

-- versions_of: a run
SELECT id FROM ml.model_versions WHERE run_id = %(id)s ORDER BY created_at, id

-- version: with what was decided about it
SELECT v.id, v.name, v.base, v.run_id, v.status, v.must_rebuild,
    (SELECT d.go FROM ml.verdicts d WHERE d.model_version_id = v.id ORDER BY d.created_at DESC, d.id DESC LIMIT 1) AS go
FROM ml.model_versions v WHERE v.id = %(id)s

-- rollouts_of: a version
SELECT id FROM ml.rollouts WHERE model_version_id = %(id)s ORDER BY created_at, id

-- rollout: one way to the users
SELECT id, model_version_id, state, share, created_at FROM ml.rollouts WHERE id = %(id)s

-- answered_by: how many answers a version gave
SELECT count(*) AS answers FROM app.interactions WHERE model_version_id = %(id)s
