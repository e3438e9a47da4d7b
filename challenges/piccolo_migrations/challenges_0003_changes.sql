-- Changes to a published challenge, appended and dated.
-- transaction: yes

CREATE TABLE challenge_addendum (
    id               serial      PRIMARY KEY,
    ref              varchar(16) NOT NULL UNIQUE,
    challenge        integer     NOT NULL REFERENCES challenge ON DELETE RESTRICT ON UPDATE RESTRICT,
    text             text        NOT NULL DEFAULT '',
    new_closes_at    timestamptz,
    -- The deadline until then; NULL when the deadline did not move.
    closed_at_before timestamptz,
    at               timestamptz NOT NULL,
    by               integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX challenge_addendum_challenge ON challenge_addendum (challenge);
CREATE INDEX challenge_addendum_by ON challenge_addendum (by);
CREATE TRIGGER challenge_addendum_is_append_only BEFORE UPDATE OR DELETE ON challenge_addendum
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER challenge_addendum_is_never_emptied BEFORE TRUNCATE ON challenge_addendum EXECUTE FUNCTION refuse_change();
