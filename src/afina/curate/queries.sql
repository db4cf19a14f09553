-- stage: the judgements of one curation; COPY is refused on tables with row-level security, so they pass through here
CREATE TEMP TABLE staged_examples (
    id text, interaction_id text, task text, turns jsonb, answer text, group_key text, stratum text, facts jsonb, origin jsonb,
    step text, reason text, fingerprint text, position integer
) ON COMMIT DROP

-- copy_staged: fast bulk load into the staging table
COPY staged_examples FROM STDIN

-- add_curation: one run
INSERT INTO ml.curations (id, client_id, task, settings, steps, kept, rejected, reused)
VALUES (%(id)s, current_setting('app.client'), %(task)s, %(settings)s, %(steps)s, %(kept)s, %(rejected)s, %(reused)s)

-- add_changed: judgements that differ from the last one of their example
INSERT INTO ml.examples
    (client_id, curation_id, id, interaction_id, task, turns, answer, group_key, stratum, facts, origin, kept, step, reason, fingerprint, position)
SELECT
    current_setting('app.client'), %(curation)s, s.id, s.interaction_id, s.task, s.turns, s.answer, s.group_key, s.stratum, s.facts, s.origin,
    s.step = '', s.step, s.reason, s.fingerprint, s.position
FROM staged_examples s
LEFT JOIN (SELECT * FROM ml.judged WHERE task = %(task)s) j ON j.id = s.id
WHERE j.id IS NULL OR (j.step, j.reason, j.fingerprint) IS DISTINCT FROM (s.step, s.reason, s.fingerprint)
ORDER BY s.position

-- add_withdrawn: examples that their interaction no longer makes
INSERT INTO ml.examples
    (client_id, curation_id, id, interaction_id, task, turns, answer, group_key, stratum, facts, origin, kept, step, reason, position)
SELECT
    j.client_id, %(curation)s, j.id, j.interaction_id, j.task, j.turns, j.answer, j.group_key, j.stratum, j.facts, j.origin,
    false, 'withdrawn', 'what it was made of says something else now', j.position
FROM ml.judged j
WHERE j.task = %(task)s AND j.step <> 'withdrawn' AND NOT EXISTS (SELECT 1 FROM staged_examples s WHERE s.id = j.id)

-- send_back: messages with different answers, for people to decide
INSERT INTO ml.suspects (client_id, interaction_id, task, kind)
SELECT DISTINCT current_setting('app.client'), s.interaction_id, s.task, 'conflict'
FROM staged_examples s WHERE s.step = 'conflicts'
ON CONFLICT DO NOTHING

-- count_added: into the run
UPDATE ml.curations SET added = %(added)s WHERE id = %(curation)s

-- kept: in curation's order
SELECT id, interaction_id, turns, answer, group_key, stratum, facts, origin
FROM ml.judged WHERE task = %(task)s AND kept ORDER BY position, id

-- judged_of: the last judgements of some interactions
SELECT id, interaction_id, turns, answer, group_key, stratum, facts, origin, step, reason, fingerprint
FROM (
    SELECT DISTINCT ON (id) * FROM ml.examples
    WHERE task = %(task)s AND interaction_id = ANY(%(interactions)s) ORDER BY id, seq DESC
) j
WHERE step <> 'withdrawn' ORDER BY position, id

-- history: every judgement of the examples of an id (an example's, or an interaction's), the first one first
SELECT
    e.id, e.interaction_id, e.task, e.answer, (e.turns -> -1) ->> 'content' AS message, e.kept, e.step, e.reason, e.origin ->> 'evidence' AS evidence,
    e.curation_id, e.created_at, c.steps
FROM ml.examples e LEFT JOIN ml.curations c ON c.id = e.curation_id
WHERE e.id = %(id)s OR e.interaction_id = %(id)s ORDER BY e.id, e.seq

-- curations: of a task, the newest first
SELECT id, steps, kept, rejected, reused, added, created_at FROM ml.curations WHERE task = %(task)s ORDER BY created_at DESC, id DESC

-- clear_suspects: what was doubted before and is not decided again yet is found anew
DELETE FROM ml.suspects WHERE task = %(task)s AND kind = 'label'

-- add_suspect: a label to look at again
INSERT INTO ml.suspects (client_id, interaction_id, task, kind, field, given, suggested, score)
VALUES (current_setting('app.client'), %(interaction)s, %(task)s, 'label', %(field)s, %(given)s, %(suggested)s, %(score)s)
ON CONFLICT DO NOTHING

-- decided_twice: the last decisions of two people on one message
SELECT a.reviewer AS one, b.reviewer AS other, a.value AS first, b.value AS second
FROM (
    SELECT DISTINCT ON (d.interaction_id, d.reviewer) d.interaction_id, d.reviewer, d.value
    FROM app.decisions d JOIN app.interactions i ON i.id = d.interaction_id
    WHERE i.task = %(task)s AND d.reviewer <> '' ORDER BY d.interaction_id, d.reviewer, d.created_at DESC, d.id DESC
) a
JOIN (
    SELECT DISTINCT ON (d.interaction_id, d.reviewer) d.interaction_id, d.reviewer, d.value
    FROM app.decisions d JOIN app.interactions i ON i.id = d.interaction_id
    WHERE i.task = %(task)s AND d.reviewer <> '' ORDER BY d.interaction_id, d.reviewer, d.created_at DESC, d.id DESC
) b ON b.interaction_id = a.interaction_id AND b.reviewer > a.reviewer
