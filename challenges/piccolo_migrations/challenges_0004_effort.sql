-- What makes an exercise mean something: a least mark, success criteria as rows with the values measured of them, and the
-- statement why the market stayed away. Challenges from before have declared no mark and have no rows.
-- transaction: yes

ALTER TABLE challenge
    -- Of 100 points: nobody below it is short-listed. 0 while nothing is declared.
    ADD COLUMN least_mark integer NOT NULL DEFAULT 0;

-- How everybody will see that the problem is solved: what is measured, where it stands, where it shall stand, by when, and how
-- that is found out. Figures are written in decimals, as `7.6`.
CREATE TABLE success_measure (
    id        serial      PRIMARY KEY,
    ref       varchar(16) NOT NULL UNIQUE,
    challenge integer     NOT NULL REFERENCES challenge ON DELETE RESTRICT ON UPDATE RESTRICT,
    place     integer     NOT NULL DEFAULT 0,
    measure   text        NOT NULL DEFAULT '',
    unit      varchar(60) NOT NULL DEFAULT '',
    -- Empty: not known yet, which is an honest answer.
    baseline  varchar(24) NOT NULL DEFAULT '',
    better    varchar(8)  NOT NULL DEFAULT 'at-least',
    target    varchar(24) NOT NULL DEFAULT '',
    due_on    date,
    how       text        NOT NULL DEFAULT '',
    CONSTRAINT direction_is_known CHECK (better IN ('at-least', 'at-most')),
    CONSTRAINT figures_are_decimals CHECK (baseline ~ '^(-?[0-9]+(\.[0-9]+)?)?$' AND target ~ '^-?[0-9]+(\.[0-9]+)?$')
);
CREATE INDEX success_measure_challenge ON success_measure (challenge);

-- A value that was measured of a success criterion, with how and when. Appended: what was found stays, a later value stands beside it.
CREATE TABLE measured_value (
    id          serial      PRIMARY KEY,
    ref         varchar(16) NOT NULL UNIQUE,
    measure     integer     NOT NULL REFERENCES success_measure ON DELETE RESTRICT ON UPDATE RESTRICT,
    value       varchar(24) NOT NULL DEFAULT '',
    measured_on date,
    how         text        NOT NULL DEFAULT '',
    at          timestamptz NOT NULL,
    by          integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT figure_is_a_decimal CHECK (value ~ '^-?[0-9]+(\.[0-9]+)?$')
);
CREATE INDEX measured_value_measure ON measured_value (measure);
CREATE INDEX measured_value_by ON measured_value (by);
CREATE TRIGGER measured_value_is_append_only BEFORE UPDATE OR DELETE ON measured_value FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER measured_value_is_never_emptied BEFORE TRUNCATE ON measured_value EXECUTE FUNCTION refuse_change();

-- Why so few teams pitched that the exercise would open nothing: said by the buyer, approved or refused by the innovation team.
CREATE TABLE quiet_statement (
    id          serial      PRIMARY KEY,
    ref         varchar(16) NOT NULL UNIQUE,
    challenge   integer     NOT NULL REFERENCES challenge ON DELETE RESTRICT ON UPDATE RESTRICT,
    text        text        NOT NULL DEFAULT '',
    proposed_by integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    proposed_at timestamptz NOT NULL,
    -- approved | refused; empty while it waits.
    verdict     varchar(8)  NOT NULL DEFAULT '',
    reasons     text        NOT NULL DEFAULT '',
    decided_by  integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    decided_at  timestamptz,
    CONSTRAINT verdict_is_known CHECK (verdict IN ('', 'approved', 'refused')),
    CONSTRAINT another_person_decided CHECK (decided_by <> proposed_by),
    CONSTRAINT verdict_has_its_moment CHECK ((verdict = '') = (decided_at IS NULL) AND (verdict = '') = (decided_by IS NULL))
);
CREATE INDEX quiet_statement_challenge ON quiet_statement (challenge);
CREATE INDEX quiet_statement_proposed_by ON quiet_statement (proposed_by);

-- What was said and by whom stays as it was, and so does a verdict.
CREATE FUNCTION refuse_other_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.ref, NEW.challenge, NEW.text, NEW.proposed_by, NEW.proposed_at) IS DISTINCT FROM
       (OLD.ref, OLD.challenge, OLD.text, OLD.proposed_by, OLD.proposed_at)
       OR OLD.verdict <> ''
    THEN
        RAISE EXCEPTION 'a statement and its verdict stay as they were';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER quiet_statement_stays BEFORE UPDATE ON quiet_statement FOR EACH ROW EXECUTE FUNCTION refuse_other_statement();
CREATE TRIGGER quiet_statement_is_never_deleted BEFORE DELETE ON quiet_statement FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER quiet_statement_is_never_emptied BEFORE TRUNCATE ON quiet_statement EXECUTE FUNCTION refuse_change();
