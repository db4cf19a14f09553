-- clear: the judgement is made anew each time
DELETE FROM ml.examples WHERE task = %(task)s

-- add_example: one judged example
INSERT INTO ml.examples
    (id, client_id, interaction_id, task, turns, answer, group_key, stratum, facts, kept, reason, position)
VALUES
    (%(id)s, current_setting('app.client'), %(source)s, %(task)s, %(turns)s, %(answer)s, %(group)s, %(stratum)s, %(facts)s,
     %(kept)s, %(reason)s, %(position)s)

-- kept: in curation's order
SELECT id, interaction_id, turns, answer, group_key, stratum, facts
FROM ml.examples WHERE task = %(task)s AND kept ORDER BY position
