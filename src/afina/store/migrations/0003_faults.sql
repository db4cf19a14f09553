-- Whose fault a missing answer is: 'request' what the caller asked wrongly, 'client' one who left, 'model' a failure of ours.
-- Rows from before have '' and count as before.
ALTER TABLE app.interactions
    ADD COLUMN fault text NOT NULL DEFAULT '' CHECK (fault IN ('', 'request', 'client', 'model'));
