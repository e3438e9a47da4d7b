-- What programs prepared for a person to confirm: what was sent never changes, and it ends once.
-- transaction: yes

CREATE TABLE prepared_act (
    id           serial      PRIMARY KEY,
    ref          varchar(16) NOT NULL UNIQUE,
    person       integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    token        integer     NOT NULL REFERENCES api_token ON DELETE RESTRICT ON UPDATE RESTRICT,
    act          text        NOT NULL DEFAULT '',
    method       varchar(8)  NOT NULL DEFAULT '',
    path         text        NOT NULL DEFAULT '',
    organisation varchar(16) NOT NULL DEFAULT '',
    content_type text        NOT NULL DEFAULT '',
    body         bytea       NOT NULL DEFAULT '\x',
    seen         text        NOT NULL DEFAULT '',
    confirmed    text        NOT NULL DEFAULT '',
    digest       varchar(64) NOT NULL DEFAULT '',
    prepared_at  timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    withdrawn_at timestamptz,
    tried_at     timestamptz,
    done_at      timestamptz,
    status       integer,
    answer       text,
    CONSTRAINT it_ends_once CHECK (withdrawn_at IS NULL OR done_at IS NULL)
);
CREATE INDEX prepared_act_person ON prepared_act (person);
CREATE INDEX prepared_act_token ON prepared_act (token);

CREATE FUNCTION refuse_another_act() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.withdrawn_at IS NULL AND OLD.done_at IS NULL
            AND (NEW.id, NEW.ref, NEW.person, NEW.token, NEW.act, NEW.method, NEW.path, NEW.organisation, NEW.content_type,
                NEW.body, NEW.seen, NEW.confirmed, NEW.digest, NEW.prepared_at, NEW.expires_at)
                = (OLD.id, OLD.ref, OLD.person, OLD.token, OLD.act, OLD.method, OLD.path, OLD.organisation, OLD.content_type,
                OLD.body, OLD.seen, OLD.confirmed, OLD.digest, OLD.prepared_at, OLD.expires_at)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% keeps what was sent: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER prepared_act_keeps_what_was_sent BEFORE UPDATE OR DELETE ON prepared_act
    FOR EACH ROW EXECUTE FUNCTION refuse_another_act();
CREATE TRIGGER prepared_act_is_never_emptied BEFORE TRUNCATE ON prepared_act EXECUTE FUNCTION refuse_change();
