-- Mandates on paper: what was printed never changes, and each ends once.
-- transaction: yes

CREATE TABLE mandate (
    id           serial      PRIMARY KEY,
    ref          varchar(16) NOT NULL UNIQUE,
    person       integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    organisation integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    act          text        NOT NULL DEFAULT '',
    path         text        NOT NULL DEFAULT '',
    body         bytea       NOT NULL DEFAULT '\x',
    digest       varchar(64) NOT NULL DEFAULT '',
    prepared_at  timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    withdrawn_at timestamptz,
    tried_at     timestamptz,
    answer       text,
    entered_by   integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    signed_on    date,
    kept_at      text,
    done_at      timestamptz,
    CONSTRAINT it_ends_once CHECK (withdrawn_at IS NULL OR done_at IS NULL),
    CONSTRAINT done_by_somebody_else CHECK (
        (done_at IS NULL AND entered_by IS NULL AND signed_on IS NULL AND kept_at IS NULL)
        OR (done_at IS NOT NULL AND entered_by <> person AND signed_on IS NOT NULL AND kept_at <> '')
    )
);
CREATE INDEX mandate_person ON mandate (person);
CREATE INDEX mandate_organisation ON mandate (organisation);
CREATE INDEX mandate_entered_by ON mandate (entered_by);

CREATE FUNCTION refuse_another_mandate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.withdrawn_at IS NULL AND OLD.done_at IS NULL
            AND (NEW.id, NEW.ref, NEW.person, NEW.organisation, NEW.act, NEW.path, NEW.body, NEW.digest, NEW.prepared_at,
                NEW.expires_at)
                = (OLD.id, OLD.ref, OLD.person, OLD.organisation, OLD.act, OLD.path, OLD.body, OLD.digest, OLD.prepared_at,
                OLD.expires_at)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% keeps what was printed: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER mandate_keeps_what_was_printed BEFORE UPDATE OR DELETE ON mandate
    FOR EACH ROW EXECUTE FUNCTION refuse_another_mandate();
CREATE TRIGGER mandate_is_never_emptied BEFORE TRUNCATE ON mandate EXECUTE FUNCTION refuse_change();
