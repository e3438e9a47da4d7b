-- A second person reads what is drafted before it is published, and its drafter has looked at what others have done.
-- transaction: yes

-- One step of a review: somebody was asked, approved, or asked for edits.
CREATE TABLE review (
    id       serial      PRIMARY KEY,
    ref      varchar(16) NOT NULL UNIQUE,
    subject  varchar(40) NOT NULL DEFAULT '',
    body     integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- asked | approved | edits
    kind     varchar(8)  NOT NULL DEFAULT '',
    -- body | team
    side     varchar(4)  NOT NULL DEFAULT 'body',
    -- SHA-256 of everything that would have been published then.
    version  varchar(64) NOT NULL DEFAULT '',
    words    text        NOT NULL DEFAULT '',
    asked_of integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    by       integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    at       timestamptz NOT NULL,
    CONSTRAINT kind_is_known CHECK (kind IN ('asked','approved','edits')),
    CONSTRAINT side_is_known CHECK (side IN ('body','team'))
);
CREATE INDEX review_subject ON review (subject);
CREATE INDEX review_body ON review (body);
CREATE INDEX review_asked_of ON review (asked_of);
CREATE INDEX review_by ON review (by);
CREATE TRIGGER review_is_append_only BEFORE UPDATE OR DELETE ON review
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER review_is_never_emptied BEFORE TRUNCATE ON review EXECUTE FUNCTION refuse_change();

-- That the drafter looked at what others had done, and what she says of it.
CREATE TABLE precedent (
    id      serial      PRIMARY KEY,
    subject varchar(40) NOT NULL DEFAULT '',
    body    integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- SHA-256 of the words that were looked for.
    version varchar(64) NOT NULL DEFAULT '',
    found   integer     NOT NULL DEFAULT 0,
    answer  varchar(8)  NOT NULL DEFAULT '',
    reason  text        NOT NULL DEFAULT '',
    by      integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    at      timestamptz NOT NULL,
    CONSTRAINT answer_is_known CHECK (answer IN ('reuse','join','differs','nothing'))
);
CREATE INDEX precedent_subject ON precedent (subject);
CREATE INDEX precedent_body ON precedent (body);
CREATE INDEX precedent_by ON precedent (by);
CREATE TRIGGER precedent_is_append_only BEFORE UPDATE OR DELETE ON precedent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER precedent_is_never_emptied BEFORE TRUNCATE ON precedent EXECUTE FUNCTION refuse_change();
