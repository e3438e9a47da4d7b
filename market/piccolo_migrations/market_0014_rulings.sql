-- What decides whom the rule binds changes by two people, in public, and after a time in which auditors can object.
-- transaction: yes

ALTER TABLE organisation
    -- The tier a buyer was entered with, which binds only once a ruling confirms it.
    ADD COLUMN tier_entered varchar(12) NOT NULL DEFAULT '';

CREATE TABLE ruling (
    id                serial      PRIMARY KEY,
    ref               varchar(16) NOT NULL UNIQUE,
    -- tier | department | commodity
    about             varchar(20) NOT NULL DEFAULT '',
    -- The body that the rule then binds otherwise.
    organisation      integer     REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- The draft whose statement stands against the list of commodities.
    tender            varchar(16) NOT NULL DEFAULT '',
    before            text        NOT NULL DEFAULT '',
    after             text        NOT NULL DEFAULT '',
    ground            text        NOT NULL DEFAULT '',
    -- The paper it rests on, as one would cite it.
    instrument        text        NOT NULL DEFAULT '',
    proposed_by       integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    proposed_at       timestamptz NOT NULL,
    confirmed_by      integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    confirmed_at      timestamptz,
    -- The last moment at which an auditor can object.
    objections_until  timestamptz,
    -- From when it holds, unless an objection stands.
    effect_at         timestamptz,
    withdrawn_by      integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    withdrawn_at      timestamptz,
    withdrawn_because text        NOT NULL DEFAULT '',
    -- When those concerned were told that it holds.
    told_at           timestamptz,
    CONSTRAINT another_person_confirmed CHECK (confirmed_by <> proposed_by),
    CONSTRAINT published_before_effect CHECK (
        (confirmed_at IS NULL) = (effect_at IS NULL) AND (effect_at IS NULL) = (objections_until IS NULL)
        AND objections_until >= confirmed_at AND effect_at >= objections_until
    )
);
CREATE INDEX ruling_organisation ON ruling (organisation);
CREATE INDEX ruling_tender ON ruling (tender);

-- An auditor's objection: while it stands, the ruling does not hold.
CREATE TABLE objection (
    id        serial      PRIMARY KEY,
    ruling    integer     NOT NULL REFERENCES ruling ON DELETE RESTRICT ON UPDATE RESTRICT,
    made_by   integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    at        timestamptz NOT NULL,
    because   text        NOT NULL DEFAULT '',
    lifted_at timestamptz
);
CREATE INDEX objection_ruling ON objection (ruling);

-- What was proposed, confirmed or objected stays as it was; a moment from which a ruling holds moves only later.
CREATE FUNCTION refuse_other_ruling() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.ref, NEW.about, NEW.organisation, NEW.tender, NEW.before, NEW.after, NEW.ground, NEW.instrument, NEW.proposed_by, NEW.proposed_at)
        IS DISTINCT FROM
       (OLD.ref, OLD.about, OLD.organisation, OLD.tender, OLD.before, OLD.after, OLD.ground, OLD.instrument, OLD.proposed_by, OLD.proposed_at)
       OR (OLD.confirmed_at IS NOT NULL AND (NEW.confirmed_by, NEW.confirmed_at) IS DISTINCT FROM (OLD.confirmed_by, OLD.confirmed_at))
       OR NEW.effect_at < OLD.effect_at OR NEW.objections_until < OLD.objections_until
       OR (OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at)
       OR (OLD.told_at IS NOT NULL AND NEW.told_at IS DISTINCT FROM OLD.told_at)
    THEN
        RAISE EXCEPTION 'what was proposed or confirmed in a ruling stays as it was' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ruling_stays BEFORE UPDATE ON ruling FOR EACH ROW EXECUTE FUNCTION refuse_other_ruling();
CREATE TRIGGER ruling_is_never_deleted BEFORE DELETE ON ruling FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ruling_is_never_emptied BEFORE TRUNCATE ON ruling EXECUTE FUNCTION refuse_change();

CREATE FUNCTION refuse_other_objection() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.lifted_at IS NOT NULL
       OR (NEW.ruling, NEW.made_by, NEW.at, NEW.because) IS DISTINCT FROM (OLD.ruling, OLD.made_by, OLD.at, OLD.because)
    THEN
        RAISE EXCEPTION 'an objection stays as it was made' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER objection_stays BEFORE UPDATE ON objection FOR EACH ROW EXECUTE FUNCTION refuse_other_objection();
CREATE TRIGGER objection_is_never_deleted BEFORE DELETE ON objection FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER objection_is_never_emptied BEFORE TRUNCATE ON objection EXECUTE FUNCTION refuse_change();

-- Whether nothing stands against a ruling that was confirmed.
CREATE FUNCTION ruling_stands(asked ruling) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT asked.confirmed_at IS NOT NULL AND asked.withdrawn_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM objection j WHERE j.ruling = asked.id AND j.lifted_at IS NULL)
$$;

-- The tier that binds a body at a moment, by the dates of the rulings alone: nobody has to carry one out.
CREATE FUNCTION tier_at(body integer, moment timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT r.after FROM ruling r WHERE r.about = 'tier' AND r.organisation = body AND r.effect_at <= moment
            AND ruling_stands(r) ORDER BY r.effect_at DESC, r.id DESC LIMIT 1),
        (SELECT r.before FROM ruling r WHERE r.about = 'tier' AND r.organisation = body AND r.effect_at > moment
            AND ruling_stands(r) ORDER BY r.effect_at, r.id LIMIT 1),
        (SELECT o.tier FROM organisation o WHERE o.id = body)
    )
$$;

-- The tier that binds what was begun at one moment and is judged at another: whichever binds harder, and one that is confirmed
-- and not yet in force when it is central.
CREATE FUNCTION tier_binding(body integer, begun timestamptz, judged timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN tier_at(body, begun) = 'central' OR EXISTS (
            SELECT 1 FROM ruling r WHERE r.about = 'tier' AND r.organisation = body AND r.after = 'central'
                AND ruling_stands(r) AND r.confirmed_at <= judged AND r.effect_at > begun
        ) THEN 'central'
        ELSE tier_at(body, judged)
    END
$$;
