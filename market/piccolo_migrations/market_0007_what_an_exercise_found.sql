-- The gate: how an exercise ended and what it was about, the follow-on stated before it began, the stops that a waiver
-- names, why a tender's need is the same and what changed, and a waiver that is taken back.
-- transaction: yes

ALTER TABLE innovation_evidence
    -- How an exercise ended: go | change | stop; empty for a waiver.
    ADD COLUMN outcome            varchar(8)  NOT NULL DEFAULT '',
    -- What the exercise was about, as its challenge was published, and why it ended as it did.
    ADD COLUMN title              text        NOT NULL DEFAULT '',
    ADD COLUMN problem            text        NOT NULL DEFAULT '',
    ADD COLUMN reasons            text        NOT NULL DEFAULT '',
    -- What may be bought after it, stated before it began; NULL when nothing was stated, and then it opens nothing.
    ADD COLUMN follow_on_minor    bigint,
    ADD COLUMN follow_on_currency varchar(3)  NOT NULL DEFAULT 'GBP',
    -- tender | call-off | other-body
    ADD COLUMN follow_on_route    varchar(12) NOT NULL DEFAULT '',
    -- The body that would pay: its tenders are those the exercise opens.
    ADD COLUMN payer              integer     REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- The exercises ended with “stop” that the statement of a waiver names.
    ADD COLUMN stops              text[]      NOT NULL DEFAULT '{}',
    -- When the minister took a waiver back.
    ADD COLUMN revoked_at         timestamptz,
    ADD CONSTRAINT outcome_is_known CHECK (outcome IN ('', 'go', 'change', 'stop'));

ALTER TABLE tender
    -- Why what is bought meets the need the exercise explored.
    ADD COLUMN same_need    text NOT NULL DEFAULT '',
    -- What is otherwise than what was tried; owed when the exercise ended with “change”.
    ADD COLUMN what_changed text NOT NULL DEFAULT '';
CREATE INDEX tender_ground_reference ON tender (ground_reference);

ALTER TABLE waiver
    ADD COLUMN revoked_at         timestamptz,
    ADD COLUMN revoked_by         integer REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    ADD COLUMN revocation_reason  text NOT NULL DEFAULT '';
