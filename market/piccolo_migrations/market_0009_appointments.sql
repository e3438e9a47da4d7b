-- Ministers, auditors and operators are proposed by one person, confirmed by another, and published before they act.
-- transaction: yes

CREATE TABLE appointment (
    id                serial       PRIMARY KEY,
    ref               varchar(16)  NOT NULL UNIQUE,
    organisation      integer      NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    name              text         NOT NULL DEFAULT '',
    email             varchar(254) NOT NULL DEFAULT '',
    role              varchar(20)  NOT NULL DEFAULT '',
    title             text         NOT NULL DEFAULT '',
    -- What appoints her, as one would cite it: the letter, the order, its date.
    instrument        text         NOT NULL DEFAULT '',
    -- The first moment of her first day in office; a role without an office begins when it takes effect.
    since             timestamptz,
    until             timestamptz,
    proposed_by       integer      NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    proposed_at       timestamptz  NOT NULL,
    confirmed_by      integer      REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    confirmed_at      timestamptz,
    -- From when she acts: never before the policy's hours of publication are over.
    effect_at         timestamptz,
    invitation        integer      REFERENCES invitation ON DELETE RESTRICT ON UPDATE RESTRICT,
    withdrawn_by      integer      REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    withdrawn_at      timestamptz,
    withdrawn_because text         NOT NULL DEFAULT '',
    CONSTRAINT role_is_appointed CHECK (role IN ('minister','auditor','operator')),
    CONSTRAINT another_person_confirmed CHECK (confirmed_by <> proposed_by),
    CONSTRAINT published_before_effect
        CHECK ((confirmed_at IS NULL) = (effect_at IS NULL) AND effect_at > confirmed_at)
);
CREATE INDEX appointment_organisation ON appointment (organisation);
CREATE INDEX appointment_proposed_by ON appointment (proposed_by);

-- What was proposed, by whom and on what paper stays as it was; nothing is taken out of the register.
CREATE FUNCTION refuse_other_appointment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.organisation, NEW.name, NEW.email, NEW.role, NEW.title, NEW.instrument, NEW.since, NEW.until, NEW.proposed_by, NEW.proposed_at)
        IS DISTINCT FROM
       (OLD.organisation, OLD.name, OLD.email, OLD.role, OLD.title, OLD.instrument, OLD.since, OLD.until, OLD.proposed_by, OLD.proposed_at)
       OR (OLD.confirmed_at IS NOT NULL AND (NEW.confirmed_by, NEW.confirmed_at, NEW.effect_at) IS DISTINCT FROM (OLD.confirmed_by, OLD.confirmed_at, OLD.effect_at))
    THEN
        RAISE EXCEPTION 'what was proposed or confirmed of an appointment stays as it was';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER appointment_stays BEFORE UPDATE ON appointment FOR EACH ROW EXECUTE FUNCTION refuse_other_appointment();
CREATE TRIGGER appointment_is_never_deleted BEFORE DELETE ON appointment FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER appointment_is_never_emptied BEFORE TRUNCATE ON appointment EXECUTE FUNCTION refuse_change();
