-- People are admitted by name, on somebody's word and a paper; bodies have domains that two people confirmed.
-- transaction: yes

ALTER TABLE invitation
    ADD COLUMN name    text    NOT NULL DEFAULT '',
    -- How whoever invites knows that it is she, and the paper kept with it.
    ADD COLUMN ground  text    NOT NULL DEFAULT '',
    ADD COLUMN paper   text    NOT NULL DEFAULT '',
    -- Whether her address was outside the body's verified domains when she was invited.
    ADD COLUMN outside boolean NOT NULL DEFAULT false,
    -- When the letter went; NULL while others have to agree.
    ADD COLUMN sent_at timestamptz;
UPDATE invitation SET sent_at = invited_at;

-- Whose word and which paper an invitation rests on stays as it was.
CREATE FUNCTION refuse_other_invitation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.organisation, NEW.email, NEW.name, NEW.role, NEW.ground, NEW.paper, NEW.outside, NEW.invited_by, NEW.invited_at)
        IS DISTINCT FROM
       (OLD.organisation, OLD.email, OLD.name, OLD.role, OLD.ground, OLD.paper, OLD.outside, OLD.invited_by, OLD.invited_at)
    THEN
        RAISE EXCEPTION 'whom somebody let in, and on what word, stays as it was';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invitation_stays BEFORE UPDATE ON invitation FOR EACH ROW EXECUTE FUNCTION refuse_other_invitation();
CREATE TRIGGER invitation_is_never_deleted BEFORE DELETE ON invitation FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE membership ADD COLUMN invitation integer REFERENCES invitation ON DELETE RESTRICT ON UPDATE RESTRICT;

CREATE TABLE invitation_voice (
    id         serial      PRIMARY KEY,
    invitation integer     NOT NULL REFERENCES invitation ON DELETE RESTRICT ON UPDATE RESTRICT,
    person     integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- body | team
    side       varchar(8)  NOT NULL DEFAULT '',
    given_at   timestamptz NOT NULL,
    CONSTRAINT side_is_known CHECK (side IN ('body','team')),
    CONSTRAINT one_word_each UNIQUE (invitation, person)
);
CREATE INDEX invitation_voice_invitation ON invitation_voice (invitation);
CREATE INDEX invitation_voice_person ON invitation_voice (person);
CREATE TRIGGER invitation_voice_is_append_only BEFORE UPDATE OR DELETE ON invitation_voice FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invitation_voice_is_never_emptied BEFORE TRUNCATE ON invitation_voice EXECUTE FUNCTION refuse_change();

CREATE TABLE mail_domain (
    id           serial       PRIMARY KEY,
    ref          varchar(16)  NOT NULL UNIQUE,
    organisation integer      NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- Lower case, ASCII, without a dot at its end.
    domain       varchar(253) NOT NULL DEFAULT '',
    -- What shows that the domain is this body's, as one would cite it.
    evidence     text         NOT NULL DEFAULT '',
    proposed_by  integer      NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    proposed_at  timestamptz  NOT NULL,
    confirmed_by integer      REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    confirmed_at timestamptz,
    withdrawn_by integer      REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    withdrawn_at timestamptz,
    CONSTRAINT another_person_confirmed_the_domain CHECK (confirmed_by <> proposed_by)
);
CREATE INDEX mail_domain_organisation ON mail_domain (organisation);
CREATE INDEX mail_domain_proposed_by ON mail_domain (proposed_by);

-- What was proposed, on what evidence and by whom stays; a domain ends by being withdrawn.
CREATE FUNCTION refuse_other_domain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.organisation, NEW.domain, NEW.evidence, NEW.proposed_by, NEW.proposed_at)
        IS DISTINCT FROM (OLD.organisation, OLD.domain, OLD.evidence, OLD.proposed_by, OLD.proposed_at)
       OR (OLD.confirmed_at IS NOT NULL AND (NEW.confirmed_by, NEW.confirmed_at) IS DISTINCT FROM (OLD.confirmed_by, OLD.confirmed_at))
       OR (OLD.withdrawn_at IS NOT NULL AND (NEW.withdrawn_by, NEW.withdrawn_at) IS DISTINCT FROM (OLD.withdrawn_by, OLD.withdrawn_at))
    THEN
        RAISE EXCEPTION 'what was proposed, confirmed or withdrawn of a domain stays as it was';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER mail_domain_stays BEFORE UPDATE ON mail_domain FOR EACH ROW EXECUTE FUNCTION refuse_other_domain();
CREATE TRIGGER mail_domain_is_never_deleted BEFORE DELETE ON mail_domain FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER mail_domain_is_never_emptied BEFORE TRUNCATE ON mail_domain EXECUTE FUNCTION refuse_change();
