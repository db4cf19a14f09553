-- add_dataset: equal content is the same dataset
INSERT INTO ml.datasets (id, client_id, task, kind, prompt, answer_schema, card)
VALUES (%(id)s, current_setting('app.client'), %(task)s, %(kind)s, %(prompt)s, %(schema)s, %(card)s)
ON CONFLICT DO NOTHING

-- add_example: the frozen copy of one example
INSERT INTO ml.dataset_examples
    (client_id, dataset_id, example_id, split, position, turns, answer, group_key, stratum, source, facts)
VALUES
    (current_setting('app.client'), %(dataset)s, %(example)s, %(split)s, %(position)s, %(turns)s, %(answer)s, %(group)s,
     %(stratum)s, %(source)s, %(facts)s)

-- get_dataset: one dataset's card
SELECT id, task, kind, prompt, answer_schema, card FROM ml.datasets WHERE id = %(id)s

-- newest: the last one frozen for a task
SELECT id FROM ml.datasets WHERE task = %(task)s ORDER BY created_at DESC LIMIT 1

-- get_examples: in their frozen order
SELECT example_id, split, turns, answer, group_key, stratum, source, facts
FROM ml.dataset_examples WHERE dataset_id = %(id)s ORDER BY split, position

-- parts: where every group of a task was when it was frozen last
SELECT DISTINCT ON (e.group_key) e.group_key, e.split
FROM ml.dataset_examples e JOIN ml.datasets d ON (d.client_id, d.id) = (e.client_id, e.dataset_id)
WHERE d.task = %(task)s ORDER BY e.group_key, d.created_at DESC, d.id
