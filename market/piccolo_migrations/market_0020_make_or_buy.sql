-- What a body makes itself or buys, and why, on the public record.
-- transaction: yes

CREATE TABLE build (
    id              serial      PRIMARY KEY,
    ref             varchar(16) NOT NULL UNIQUE,
    body            integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    title           text        NOT NULL DEFAULT '',
    need            text        NOT NULL DEFAULT '',
    -- What could be bought or reused.
    market          text        NOT NULL DEFAULT '',
    -- make | buy
    choice          varchar(4)  NOT NULL DEFAULT '',
    reasons         text        NOT NULL DEFAULT '',
    estimated_minor bigint,
    currency        varchar(3)  NOT NULL DEFAULT 'GBP',
    created_at      timestamptz NOT NULL,
    created_by      integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    published_at    timestamptz,
    CONSTRAINT choice_is_known CHECK (choice IN ('','make','buy'))
);
CREATE INDEX build_body ON build (body);
CREATE INDEX build_created_by ON build (created_by);
CREATE INDEX build_published_at ON build (published_at);

-- What is published stays as it is.
CREATE FUNCTION refuse_other_build() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NOT NULL THEN
        RAISE EXCEPTION 'a published decision to make or to buy stays as it is' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER build_stays BEFORE UPDATE ON build FOR EACH ROW EXECUTE FUNCTION refuse_other_build();
CREATE TRIGGER build_is_never_deleted BEFORE DELETE ON build FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER build_is_never_emptied BEFORE TRUNCATE ON build EXECUTE FUNCTION refuse_change();
