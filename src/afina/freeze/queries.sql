-- add_dataset: equal content is the same dataset
INSERT INTO ml.datasets (id, client_id, task, kind, prompt, answer_schema, card)
VALUES (%(id)s, current_setting('app.client'), %(task)s, %(kind)s, %(prompt)s, %(schema)s, %(card)s)
ON CONFLICT DO NOTHING

-- add_example: the frozen copy of one example
INSERT INTO ml.dataset_examples
    (client_id, dataset_id, example_id, split, position, turns, answer, group_key, stratum, source, facts, origin, interaction_id)
VALUES
    (current_setting('app.client'), %(dataset)s, %(example)s, %(split)s, %(position)s, %(turns)s, %(answer)s, %(group)s,
     %(stratum)s, %(source)s, %(facts)s, %(origin)s, (SELECT id FROM app.interactions WHERE id = %(source)s))

-- get_dataset: one dataset's card
SELECT id, task, kind, prompt, answer_schema, card, erased_rows FROM ml.datasets WHERE id = %(id)s

-- newest: the last one frozen for a task
SELECT id FROM ml.datasets WHERE task = %(task)s AND erased_rows = 0 ORDER BY created_at DESC LIMIT 1

-- list_datasets: of a task, the newest first
SELECT id, card, created_at, erased_rows FROM ml.datasets WHERE task = %(task)s ORDER BY created_at DESC, id

-- get_examples: in their frozen order
SELECT example_id, split, turns, answer, group_key, stratum, source, facts, origin
FROM ml.dataset_examples WHERE dataset_id = %(id)s ORDER BY split, position

-- parts: where every user and conversation of a task was when it was frozen last
SELECT DISTINCT ON (name) name, split
FROM (
    SELECT unnest(ARRAY[
        e.group_key, nullif(e.origin ->> 'user', ''), 'conversation ' || nullif(e.origin ->> 'conversation', '')
    ]) AS name, e.split, d.created_at, d.id
    FROM ml.dataset_examples e JOIN ml.datasets d ON (d.client_id, d.id) = (e.client_id, e.dataset_id)
    WHERE d.task = %(task)s
) held
WHERE name IS NOT NULL ORDER BY name, created_at DESC, id DESC

-- earlier_test: every row that was ever held out
SELECT DISTINCT ON (e.example_id) e.example_id, e.split, e.turns, e.answer, e.group_key, e.stratum, e.source, e.facts, e.origin
FROM ml.dataset_examples e JOIN ml.datasets d ON (d.client_id, d.id) = (e.client_id, e.dataset_id)
WHERE d.task = %(task)s AND e.split = 'test' ORDER BY e.example_id, d.created_at DESC, d.id

-- earlier_train: every row that was ever trained on, as it was last
SELECT DISTINCT ON (e.example_id) e.example_id, e.split, e.turns, e.answer, e.group_key, e.stratum, e.source, e.facts, e.origin
FROM ml.dataset_examples e JOIN ml.datasets d ON (d.client_id, d.id) = (e.client_id, e.dataset_id)
WHERE d.task = %(task)s AND e.split = 'train' AND e.interaction_id IS NOT NULL ORDER BY e.example_id, d.created_at DESC, d.id
