-- What may be bought after a challenge, stated before it is published; and what the gate's evidence of exercises that are
-- concluded already was about and how it ended. Their follow-on was never stated: it stays unknown.
-- transaction: yes

ALTER TABLE challenge
    -- Without VAT, in the challenge's currency; NULL while nothing is stated.
    ADD COLUMN follow_on_minor bigint,
    -- tender | call-off | other-body
    ADD COLUMN follow_on_route varchar(12) NOT NULL DEFAULT '',
    -- The body that would pay.
    ADD COLUMN follow_on_payer integer REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- By when it is decided whether to buy.
    ADD COLUMN follow_on_by    date,
    ADD CONSTRAINT follow_on_route_is_known CHECK (follow_on_route IN ('', 'tender', 'call-off', 'other-body'));

UPDATE innovation_evidence e
SET outcome = c.decision, title = c.title, problem = c.problem, reasons = c.decision_reasons, follow_on_currency = c.currency
FROM challenge c
WHERE e.ground = 'exercise' AND e.reference = c.ref AND e.outcome = '';

-- A stop that no team pitched in was no evidence until now; it closes the gate like any other.
INSERT INTO innovation_evidence
    (ground, reference, buyer, cpv, signed_by, completed_at, expires_at, outcome, title, problem, reasons, follow_on_currency)
SELECT 'exercise', c.ref, c.buyer, c.cpv, o.name, c.concluded_at, NULL, 'stop', c.title, c.problem, c.decision_reasons, c.currency
FROM challenge c JOIN organisation o ON o.id = c.buyer
WHERE c.decision = 'stop' AND c.concluded_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM innovation_evidence e WHERE e.ground = 'exercise' AND e.reference = c.ref);
