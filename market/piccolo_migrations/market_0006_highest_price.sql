-- The highest price that is taken for a lot, published with it; none when NULL.
-- transaction: yes

ALTER TABLE lot ADD COLUMN maximum_minor bigint;
