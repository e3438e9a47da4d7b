-- A waiver is reviewed while it lives: by its date or because an auditor called; unanswered it is suspended.
-- transaction: yes

ALTER TABLE innovation_evidence ADD COLUMN suspends_at timestamptz;
ALTER TABLE waiver ADD COLUMN suspends_at timestamptz;

CREATE TABLE waiver_review (
    id                serial      PRIMARY KEY,
    ref               varchar(16) NOT NULL UNIQUE,
    waiver            integer     NOT NULL REFERENCES waiver ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- The auditor who called for it; NULL when the day came by itself.
    called_by         integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    why               text        NOT NULL DEFAULT '',
    begins_at         timestamptz NOT NULL,
    answer_by         timestamptz NOT NULL,
    -- keeps | narrows | revokes; empty before the minister wrote one down.
    answer            varchar(8)  NOT NULL DEFAULT '',
    says              text        NOT NULL DEFAULT '',
    new_until         timestamptz,
    new_ceiling_minor bigint,
    answered_at       timestamptz,
    answered_by       integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    office            text        NOT NULL DEFAULT '',
    document          text        NOT NULL DEFAULT '',
    bundle            text        NOT NULL DEFAULT '',
    due_told_at       timestamptz,
    suspended_told_at timestamptz,
    CONSTRAINT answer_is_known CHECK (answer IN ('','keeps','narrows','revokes'))
);
CREATE INDEX waiver_review_waiver ON waiver_review (waiver);

-- When it was called and by whom stays; what was signed is written once.
CREATE FUNCTION refuse_other_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.waiver, NEW.called_by, NEW.why, NEW.begins_at, NEW.answer_by)
        IS DISTINCT FROM (OLD.waiver, OLD.called_by, OLD.why, OLD.begins_at, OLD.answer_by)
       OR (OLD.answered_at IS NOT NULL
           AND (NEW.answer, NEW.says, NEW.new_until, NEW.new_ceiling_minor, NEW.answered_at, NEW.answered_by, NEW.office, NEW.document, NEW.bundle)
            IS DISTINCT FROM
               (OLD.answer, OLD.says, OLD.new_until, OLD.new_ceiling_minor, OLD.answered_at, OLD.answered_by, OLD.office, OLD.document, OLD.bundle))
    THEN
        RAISE EXCEPTION 'a review stays as it was called and answered';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER waiver_review_stays BEFORE UPDATE ON waiver_review FOR EACH ROW EXECUTE FUNCTION refuse_other_review();
CREATE TRIGGER waiver_review_is_never_deleted BEFORE DELETE ON waiver_review FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER waiver_review_is_never_emptied BEFORE TRUNCATE ON waiver_review EXECUTE FUNCTION refuse_change();
