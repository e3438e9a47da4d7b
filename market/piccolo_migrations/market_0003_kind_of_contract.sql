-- The kind of contract a tender says it is, which decides the threshold; and room for the ground “below-threshold”.
-- transaction: yes

ALTER TABLE tender
    -- goods-services | works | light-touch | concession | utilities, whose thresholds differ; empty until the buyer says it.
    ADD COLUMN contract_kind varchar(20) NOT NULL DEFAULT '',
    -- Why it is of that kind; owed where codes cannot tell it, and public.
    ADD COLUMN contract_kind_reason text NOT NULL DEFAULT '',
    -- exercise | waiver | commodity | below-threshold | not-central; empty before.
    ALTER COLUMN ground TYPE varchar(20),
    ADD CONSTRAINT contract_kind_is_known
        CHECK (contract_kind IN ('','goods-services','works','light-touch','concession','utilities'));
