-- A change of a running tender that alters offers, or takes back a slip, waits for a second person of the buyer; and that both
-- sides of a contract were told that the standstill of a change is over.
-- transaction: yes

CREATE TABLE tender_change (
    id          serial      PRIMARY KEY,
    ref         varchar(16) NOT NULL UNIQUE,
    tender      integer     NOT NULL REFERENCES tender ON DELETE RESTRICT ON UPDATE RESTRICT,
    kind        varchar(13) NOT NULL DEFAULT '',
    -- Canonical JSON: the change as it was sent.
    change      text        NOT NULL DEFAULT '',
    -- What was asked once more and confirmed when it was proposed.
    confirmed   text[]      NOT NULL DEFAULT '{}',
    at          timestamptz NOT NULL,
    by          integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- When a second person approved it, with which it was published; NULL before.
    approved_at timestamptz,
    approved_by integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    addendum    integer     REFERENCES addendum ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- When it was left instead, and by whom; NULL when it was not.
    left_at     timestamptz,
    left_by     integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT kind_needs_two CHECK (kind IN ('material', 'correction')),
    CONSTRAINT it_is_decided_once CHECK (approved_at IS NULL OR left_at IS NULL)
);
CREATE INDEX tender_change_tender ON tender_change (tender);
CREATE INDEX tender_change_by ON tender_change (by);
CREATE UNIQUE INDEX tender_change_once_waiting ON tender_change (tender) WHERE approved_at IS NULL AND left_at IS NULL;

CREATE FUNCTION keep_tender_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    decided text[] := '{approved_at,approved_by,addendum,left_at,left_by}';
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a change of a tender is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF to_jsonb(NEW) - decided IS DISTINCT FROM to_jsonb(OLD) - decided OR OLD.approved_at IS NOT NULL OR OLD.left_at IS NOT NULL
    THEN
        RAISE EXCEPTION 'a change of a tender keeps what was proposed and how it was decided'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tender_change_is_kept BEFORE UPDATE OR DELETE ON tender_change
    FOR EACH ROW EXECUTE FUNCTION keep_tender_change();
CREATE TRIGGER tender_change_is_never_emptied BEFORE TRUNCATE ON tender_change EXECUTE FUNCTION refuse_change();

CREATE TABLE standstill_letter (
    id     serial      PRIMARY KEY,
    change integer     NOT NULL REFERENCES contract_change ON DELETE RESTRICT ON UPDATE RESTRICT,
    at     timestamptz NOT NULL,
    CONSTRAINT told_once UNIQUE (change)
);
