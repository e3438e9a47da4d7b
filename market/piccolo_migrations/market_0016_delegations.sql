-- Ministers let a named office-holder sign waivers for them, by a signed instrument with a scope and an end.
-- transaction: yes

CREATE TABLE delegation (
    id                serial      PRIMARY KEY,
    ref               varchar(16) NOT NULL UNIQUE,
    department        integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    minister          integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- The office under which she signs: the instrument ends with it.
    membership        integer     NOT NULL REFERENCES membership ON DELETE RESTRICT ON UPDATE RESTRICT,
    delegate          integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    title             text        NOT NULL DEFAULT '',
    cpv               text[]      NOT NULL DEFAULT '{}',
    bodies            text[]      NOT NULL DEFAULT '{}',
    -- The most that all waivers signed under it may be good for together, without VAT.
    ceiling_minor     bigint      NOT NULL DEFAULT 0,
    currency          varchar(3)  NOT NULL DEFAULT 'GBP',
    begins_at         timestamptz NOT NULL,
    until             timestamptz NOT NULL,
    reason            text        NOT NULL DEFAULT '',
    drafted_at        timestamptz NOT NULL,
    dropped_at        timestamptz,
    signed_at         timestamptz,
    office            text        NOT NULL DEFAULT '',
    document          text        NOT NULL DEFAULT '',
    bundle            text        NOT NULL DEFAULT '',
    revoked_at        timestamptz,
    revoked_by        integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    revocation_reason text        NOT NULL DEFAULT '',
    CONSTRAINT it_ends_after_it_begins CHECK (until > begins_at),
    CONSTRAINT it_has_a_ceiling CHECK (ceiling_minor > 0)
);
CREATE INDEX delegation_department ON delegation (department);
CREATE INDEX delegation_minister ON delegation (minister);
CREATE INDEX delegation_membership ON delegation (membership);
CREATE INDEX delegation_delegate ON delegation (delegate);

-- What the minister was shown stays as it was; what she signed, and when she took it back, is written once.
CREATE FUNCTION refuse_other_delegation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.department, NEW.minister, NEW.membership, NEW.delegate, NEW.title, NEW.cpv, NEW.bodies, NEW.ceiling_minor, NEW.currency,
        NEW.begins_at, NEW.until, NEW.reason, NEW.drafted_at)
        IS DISTINCT FROM
       (OLD.department, OLD.minister, OLD.membership, OLD.delegate, OLD.title, OLD.cpv, OLD.bodies, OLD.ceiling_minor, OLD.currency,
        OLD.begins_at, OLD.until, OLD.reason, OLD.drafted_at)
       OR (OLD.signed_at IS NOT NULL
           AND (NEW.signed_at, NEW.office, NEW.document, NEW.bundle) IS DISTINCT FROM (OLD.signed_at, OLD.office, OLD.document, OLD.bundle))
       OR (OLD.revoked_at IS NOT NULL
           AND (NEW.revoked_at, NEW.revoked_by, NEW.revocation_reason) IS DISTINCT FROM (OLD.revoked_at, OLD.revoked_by, OLD.revocation_reason))
    THEN
        RAISE EXCEPTION 'a delegation stays as it was drafted, signed and revoked';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER delegation_stays BEFORE UPDATE ON delegation FOR EACH ROW EXECUTE FUNCTION refuse_other_delegation();
CREATE TRIGGER delegation_is_never_deleted BEFORE DELETE ON delegation FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER delegation_is_never_emptied BEFORE TRUNCATE ON delegation EXECUTE FUNCTION refuse_change();

ALTER TABLE waiver ADD COLUMN delegation integer REFERENCES delegation ON DELETE RESTRICT ON UPDATE RESTRICT;
CREATE INDEX waiver_delegation ON waiver (delegation);
