-- One public body lends a person to another, on paper and for a time; what she may do there follows from it.
-- transaction: yes

ALTER TABLE membership ADD COLUMN lent_by integer REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT;

CREATE TABLE loan (
    id           serial      PRIMARY KEY,
    ref          varchar(16) NOT NULL UNIQUE,
    lender       integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    borrower     integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    person       integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    role         varchar(20) NOT NULL DEFAULT '',
    -- The agreement between the two bodies, as one would cite it.
    instrument   text        NOT NULL DEFAULT '',
    since        timestamptz NOT NULL,
    until        timestamptz NOT NULL,
    proposed_by  integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- The body for which it was proposed; the other one agrees.
    proposed_for integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    proposed_at  timestamptz NOT NULL,
    agreed_by    integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    agreed_at    timestamptz,
    membership   integer     REFERENCES membership ON DELETE RESTRICT ON UPDATE RESTRICT,
    ended_by     integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    ended_at     timestamptz,
    CONSTRAINT two_bodies CHECK (lender <> borrower),
    CONSTRAINT another_person_agreed CHECK (agreed_by <> proposed_by),
    CONSTRAINT ends_after_it_begins CHECK (until > since)
);
CREATE INDEX loan_lender ON loan (lender);
CREATE INDEX loan_borrower ON loan (borrower);
CREATE INDEX loan_person ON loan (person);
CREATE INDEX loan_proposed_by ON loan (proposed_by);
CREATE INDEX loan_proposed_for ON loan (proposed_for);

-- What was proposed and agreed stays; a loan ends by a date of its own.
CREATE FUNCTION refuse_other_loan() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.lender, NEW.borrower, NEW.person, NEW.role, NEW.instrument, NEW.since, NEW.until, NEW.proposed_by, NEW.proposed_for, NEW.proposed_at)
        IS DISTINCT FROM
       (OLD.lender, OLD.borrower, OLD.person, OLD.role, OLD.instrument, OLD.since, OLD.until, OLD.proposed_by, OLD.proposed_for, OLD.proposed_at)
       OR (OLD.agreed_at IS NOT NULL AND (NEW.agreed_by, NEW.agreed_at, NEW.membership) IS DISTINCT FROM (OLD.agreed_by, OLD.agreed_at, OLD.membership))
       OR (OLD.ended_at IS NOT NULL AND (NEW.ended_by, NEW.ended_at) IS DISTINCT FROM (OLD.ended_by, OLD.ended_at))
    THEN
        RAISE EXCEPTION 'what two bodies agreed of a loan stays as it was';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER loan_stays BEFORE UPDATE ON loan FOR EACH ROW EXECUTE FUNCTION refuse_other_loan();
CREATE TRIGGER loan_is_never_deleted BEFORE DELETE ON loan FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER loan_is_never_emptied BEFORE TRUNCATE ON loan EXECUTE FUNCTION refuse_change();

-- Who is lent stays so: nobody's loan becomes a role of her own.
CREATE FUNCTION refuse_other_lender() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.lent_by IS DISTINCT FROM OLD.lent_by THEN
        RAISE EXCEPTION 'by whom somebody is lent stays as it was';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER membership_lender_stays BEFORE UPDATE ON membership FOR EACH ROW EXECUTE FUNCTION refuse_other_lender();
