-- The tree over the log's events, the checkpoints that were signed of it, and what its witnesses said.
-- transaction: yes

-- The key this log's checkpoints are signed with, written down with the first: another key is another log.
CREATE TABLE log_key (
    id       serial      PRIMARY KEY,
    -- The public key as it is published: name+number+base64. The name is the log's origin.
    key      text        NOT NULL DEFAULT '',
    begun_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX log_key_is_one ON log_key ((true));
CREATE TRIGGER log_key_is_append_only BEFORE UPDATE OR DELETE ON log_key FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_key_is_never_emptied BEFORE TRUNCATE ON log_key EXECUTE FUNCTION refuse_change();

-- A complete subtree whose hash stands in a tile above the lowest: level 1 covers 256 events, level 2 covers 65,536 …
CREATE TABLE tree_node (
    id    serial      PRIMARY KEY,
    level integer     NOT NULL DEFAULT 0,
    place bigint      NOT NULL DEFAULT 0,
    hash  varchar(64) NOT NULL DEFAULT '',
    CONSTRAINT a_node_stands_once UNIQUE (level, place)
);
CREATE TRIGGER tree_node_is_append_only BEFORE UPDATE OR DELETE ON tree_node FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER tree_node_is_never_emptied BEFORE TRUNCATE ON tree_node EXECUTE FUNCTION refuse_change();

-- A signed state of the tree. No size is signed twice.
CREATE TABLE checkpoint (
    id        serial      PRIMARY KEY,
    size      bigint      NOT NULL UNIQUE DEFAULT 0,
    root      varchar(64) NOT NULL DEFAULT '',
    -- The hashes of its largest complete subtrees, from the left: from here the tree grows on.
    edge      text[]      NOT NULL DEFAULT '{}',
    -- The signed note, without cosignatures.
    note      text        NOT NULL DEFAULT '',
    signed_at timestamptz NOT NULL
);
CREATE TRIGGER checkpoint_is_append_only BEFORE UPDATE OR DELETE ON checkpoint FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checkpoint_is_never_emptied BEFORE TRUNCATE ON checkpoint EXECUTE FUNCTION refuse_change();

-- That a checkpoint is kept outside of the database, and may be shown from now on.
CREATE TABLE published_checkpoint (
    id           serial      PRIMARY KEY,
    checkpoint   integer     NOT NULL UNIQUE REFERENCES checkpoint ON DELETE RESTRICT ON UPDATE RESTRICT,
    published_at timestamptz NOT NULL
);
CREATE TRIGGER published_checkpoint_is_append_only BEFORE UPDATE OR DELETE ON published_checkpoint
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER published_checkpoint_is_never_emptied BEFORE TRUNCATE ON published_checkpoint EXECUTE FUNCTION refuse_change();

-- What a witness signed: at that moment this was the longest state of this log that it had seen.
CREATE TABLE cosignature (
    id          serial      PRIMARY KEY,
    checkpoint  integer     NOT NULL REFERENCES checkpoint ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- The witness's public key as it was then: name+number+base64.
    witness     text        NOT NULL DEFAULT '',
    -- The witness's own moment, which it signed.
    seen_at     timestamptz NOT NULL,
    -- The line of the note.
    line        text        NOT NULL DEFAULT '',
    received_at timestamptz NOT NULL,
    CONSTRAINT a_word_is_kept_once UNIQUE (checkpoint, witness, seen_at)
);
CREATE INDEX cosignature_checkpoint ON cosignature (checkpoint);
CREATE TRIGGER cosignature_is_append_only BEFORE UPDATE OR DELETE ON cosignature FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER cosignature_is_never_emptied BEFORE TRUNCATE ON cosignature EXECUTE FUNCTION refuse_change();
