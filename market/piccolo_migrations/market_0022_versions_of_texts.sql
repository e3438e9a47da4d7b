-- The policy file and the lists, in every version that a ruling is about.
-- transaction: yes

CREATE TABLE text_version (
    id     serial      PRIMARY KEY,
    ruling integer     NOT NULL UNIQUE REFERENCES ruling ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- SHA-256 of the text in UTF-8, line ends as Unix writes them and one at its end.
    digest varchar(64) NOT NULL DEFAULT '',
    text   text        NOT NULL DEFAULT ''
);
CREATE TRIGGER text_version_is_append_only BEFORE UPDATE OR DELETE ON text_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER text_version_is_never_emptied BEFORE TRUNCATE ON text_version EXECUTE FUNCTION refuse_change();
