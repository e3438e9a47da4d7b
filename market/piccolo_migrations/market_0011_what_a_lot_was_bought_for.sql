-- What a lot was awarded for, and what its contract has grown to since: what counts where purchases are added up.
-- transaction: yes

ALTER TABLE lot ADD COLUMN bought_minor bigint;

UPDATE lot SET bought_minor = COALESCE(
    (SELECT max(c.value_minor) FROM contract c JOIN decision d ON d.id = c.decision WHERE d.lot = lot.id AND d.set_aside_at IS NULL),
    b.price_minor, 0
) FROM decision d LEFT JOIN opened_bid b ON b.id = d.winner WHERE d.lot = lot.id AND d.set_aside_at IS NULL;
