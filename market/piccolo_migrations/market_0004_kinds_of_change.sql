-- What kind of change an addendum is, what stood there before, and the suppliers' word that a bid sealed before it still stands.
-- transaction: yes

ALTER TABLE addendum
    -- clarification | material | deadline | correction; empty for those made before changes had a kind.
    ADD COLUMN kind varchar(13) NOT NULL DEFAULT '',
    -- The deadline until then; NULL when the deadline did not move.
    ADD COLUMN closed_at_before timestamptz,
    -- Canonical JSON: a list of what was changed (of, field, before, after).
    ADD COLUMN changed text NOT NULL DEFAULT '',
    -- Whether bids sealed before it count only when their suppliers confirm or replace them.
    ADD COLUMN unconfirms boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT kind_is_known CHECK (kind IN ('', 'clarification', 'material', 'deadline', 'correction'));
CREATE TRIGGER addendum_is_append_only BEFORE UPDATE OR DELETE ON addendum FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER addendum_is_never_emptied BEFORE TRUNCATE ON addendum EXECUTE FUNCTION refuse_change();

-- A supplier's word that an envelope it sealed before a change still stands after it. It covers every change up to the one it names.
CREATE TABLE bid_confirmation (
    id           serial      PRIMARY KEY,
    ref          varchar(16) NOT NULL UNIQUE,
    tender       integer     NOT NULL REFERENCES tender ON DELETE RESTRICT ON UPDATE RESTRICT,
    bid          integer     NOT NULL REFERENCES bid ON DELETE RESTRICT ON UPDATE RESTRICT,
    addendum     integer     NOT NULL REFERENCES addendum ON DELETE RESTRICT ON UPDATE RESTRICT,
    person       integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- The envelope's, as the supplier named it.
    digest       varchar(64) NOT NULL DEFAULT '',
    -- SHA-256 over the envelope's digest, its context, the change and the moment: what the supplier keeps.
    receipt      varchar(64) NOT NULL DEFAULT '',
    confirmed_at timestamptz NOT NULL,
    CONSTRAINT a_bid_is_confirmed_once_for_a_change UNIQUE (bid, addendum)
);
CREATE INDEX bid_confirmation_tender ON bid_confirmation (tender);
CREATE INDEX bid_confirmation_bid ON bid_confirmation (bid);
CREATE INDEX bid_confirmation_addendum ON bid_confirmation (addendum);
CREATE INDEX bid_confirmation_person ON bid_confirmation (person);
CREATE TRIGGER bid_confirmation_is_append_only BEFORE UPDATE OR DELETE ON bid_confirmation
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER bid_confirmation_is_never_emptied BEFORE TRUNCATE ON bid_confirmation EXECUTE FUNCTION refuse_change();

-- That a supplier was told that its bid waits to be confirmed: once when the change came, once before the deadline.
CREATE TABLE confirmation_letter (
    id       serial      PRIMARY KEY,
    bid      integer     NOT NULL REFERENCES bid ON DELETE RESTRICT ON UPDATE RESTRICT,
    addendum integer     NOT NULL REFERENCES addendum ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- Whether it was the reminder before the deadline.
    last     boolean     NOT NULL DEFAULT false,
    at       timestamptz NOT NULL,
    CONSTRAINT a_letter_is_written_once UNIQUE (bid, addendum, last)
);
CREATE INDEX confirmation_letter_bid ON confirmation_letter (bid);
CREATE INDEX confirmation_letter_addendum ON confirmation_letter (addendum);
