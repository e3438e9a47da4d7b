-- A challenge names the budget that its pitches are paid from.
-- transaction: yes

ALTER TABLE challenge
    -- NULL in a draft that does not say, and in what was published before budgets were asked for.
    ADD COLUMN budget integer REFERENCES budget ON DELETE RESTRICT ON UPDATE RESTRICT;
