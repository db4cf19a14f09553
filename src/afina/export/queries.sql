-- add_version: a model that can be served
INSERT INTO ml.model_versions (id, client_id, name, task, base, run_id, gguf, quantisation, card)
VALUES (%(id)s, current_setting('app.client'), %(name)s, %(task)s, %(base)s, %(run)s, %(gguf)s, %(quantisation)s, %(card)s)

-- change_card: what became known later
UPDATE ml.model_versions SET card = %(card)s WHERE id = %(id)s

-- next_number: for the version's name
SELECT count(*) + 1 AS number FROM ml.model_versions WHERE task = %(task)s

-- list_versions: newest first, with the rollout each is in
SELECT v.id, v.name, v.task, v.base, v.run_id, v.gguf, v.quantisation, v.card, v.created_at, r.state, r.share
FROM ml.model_versions v
LEFT JOIN LATERAL (
    SELECT state, share FROM ml.rollouts WHERE model_version_id = v.id ORDER BY created_at DESC LIMIT 1
) r ON true
ORDER BY v.created_at DESC

-- get_version: by id or by name; the newest of the task when neither is given
SELECT id, name, task, base, run_id, gguf, quantisation, card
FROM ml.model_versions
WHERE (%(name)s::text IS NULL AND task = %(task)s AND run_id IS NOT NULL) OR id = %(name)s OR name = %(name)s
ORDER BY created_at DESC LIMIT 1

-- base_version: the untuned base of a task, registered like any other version
SELECT id, name, task, base, run_id, gguf, quantisation, card
FROM ml.model_versions
WHERE task = %(task)s AND base = %(base)s AND quantisation = %(quantisation)s AND run_id IS NULL
ORDER BY created_at DESC LIMIT 1

-- name_of_run: the version that came of a run, the newest if there are several
SELECT name FROM ml.model_versions WHERE run_id = %(run)s ORDER BY created_at DESC LIMIT 1
