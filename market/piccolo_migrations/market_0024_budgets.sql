-- What bodies may spend, approved by two people; what is promised from it; and finance officers, who approve and release.
-- transaction: yes

-- Only widened: every row that was known is known.
ALTER TABLE membership DROP CONSTRAINT role_is_known;
ALTER TABLE membership ADD CONSTRAINT role_is_known
    CHECK (role IN ('buyer', 'evaluator', 'contract-manager', 'finance-officer', 'minister', 'supplier-admin',
        'supplier-member', 'auditor', 'operator')) NOT VALID;
ALTER TABLE membership VALIDATE CONSTRAINT role_is_known;

CREATE TABLE budget (
    id         serial       PRIMARY KEY,
    ref        varchar(16)  NOT NULL UNIQUE,
    body       integer      NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- The year in which its financial year begins.
    year       integer      NOT NULL DEFAULT 0,
    purpose    text         NOT NULL DEFAULT '',
    currency   varchar(3)   NOT NULL DEFAULT 'GBP',
    created_at timestamptz  NOT NULL,
    CONSTRAINT year_is_real CHECK (year BETWEEN 2000 AND 2100)
);
CREATE INDEX budget_body ON budget (body);
CREATE TRIGGER budget_is_kept BEFORE UPDATE OR DELETE ON budget FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER budget_is_never_emptied BEFORE TRUNCATE ON budget EXECUTE FUNCTION refuse_change();

CREATE TABLE budget_line (
    id           serial      PRIMARY KEY,
    ref          varchar(16) NOT NULL UNIQUE,
    budget       integer     NOT NULL REFERENCES budget ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- open | raise | lower | close
    kind         varchar(8)  NOT NULL DEFAULT '',
    -- By how much, VAT included, in minor units of the budget's currency; zero when it is closed.
    amount_minor bigint      NOT NULL DEFAULT 0,
    reason       text        NOT NULL DEFAULT '',
    proposed_at  timestamptz NOT NULL,
    proposed_by  integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    approved_at  timestamptz,
    approved_by  integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- When it was taken back or not approved; nothing changed then.
    left_at      timestamptz,
    left_by      integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT kind_is_known CHECK (kind IN ('open','raise','lower','close')),
    CONSTRAINT amount_fits_the_kind
        CHECK ((kind = 'close' AND amount_minor = 0) OR (kind <> 'close' AND amount_minor > 0)),
    CONSTRAINT another_person_approved CHECK (approved_by <> proposed_by),
    CONSTRAINT approved_or_left CHECK (approved_at IS NULL OR left_at IS NULL)
);
CREATE INDEX budget_line_budget ON budget_line (budget);
CREATE INDEX budget_line_proposed_by ON budget_line (proposed_by);

-- What was proposed stays what it is, and no date of it is set twice or taken away.
CREATE FUNCTION keep_budget_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    dated text[] := '{approved_at,approved_by,left_at,left_by}';
BEGIN
    IF to_jsonb(NEW) - dated IS DISTINCT FROM to_jsonb(OLD) - dated
        OR (OLD.approved_at IS NOT NULL AND (NEW.approved_at, NEW.approved_by) IS DISTINCT FROM (OLD.approved_at, OLD.approved_by))
        OR (OLD.left_at IS NOT NULL AND (NEW.left_at, NEW.left_by) IS DISTINCT FROM (OLD.left_at, OLD.left_by))
    THEN
        RAISE EXCEPTION 'a line of a budget keeps what was proposed and every date that was set'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER budget_line_is_kept BEFORE UPDATE ON budget_line FOR EACH ROW EXECUTE FUNCTION keep_budget_line();
CREATE TRIGGER budget_line_is_never_deleted BEFORE DELETE ON budget_line FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER budget_line_is_never_emptied BEFORE TRUNCATE ON budget_line EXECUTE FUNCTION refuse_change();

CREATE TABLE budget_entry (
    id           serial      PRIMARY KEY,
    budget       integer     NOT NULL REFERENCES budget ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- kind:reference of the challenge or tender that names the budget.
    about        varchar(40) NOT NULL DEFAULT '',
    -- kind:reference of the lot or contract of it, or again the challenge itself.
    part         varchar(40) NOT NULL DEFAULT '',
    -- reserved | committed
    kind         varchar(9)  NOT NULL DEFAULT '',
    -- VAT included, in minor units of the budget's currency; below zero where less is promised than before.
    amount_minor bigint      NOT NULL DEFAULT 0,
    cause        varchar(20) NOT NULL DEFAULT '',
    at           timestamptz NOT NULL,
    CONSTRAINT kind_is_known CHECK (kind IN ('reserved','committed')),
    CONSTRAINT amount_is_something CHECK (amount_minor <> 0)
);
CREATE INDEX budget_entry_budget ON budget_entry (budget);
CREATE INDEX budget_entry_about ON budget_entry (about);
CREATE TRIGGER budget_entry_is_append_only BEFORE UPDATE OR DELETE ON budget_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER budget_entry_is_never_emptied BEFORE TRUNCATE ON budget_entry EXECUTE FUNCTION refuse_change();

ALTER TABLE tender
    -- What it is paid from; NULL in a draft that does not say, and in what was published before budgets were asked for.
    ADD COLUMN budget integer REFERENCES budget ON DELETE RESTRICT ON UPDATE RESTRICT;
