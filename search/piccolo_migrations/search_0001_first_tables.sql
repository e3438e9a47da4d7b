-- The tables of search: what became findable, kept searches and their alerts. They stand on those of the marketplace.
-- Every key refuses (RESTRICT): nothing that something else rests on can be deleted or renumbered. Moments are
-- timestamptz; money is whole minor units beside a currency.
--
-- transaction: yes


-- ─── search ──────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Saved searches, what buyers looked at before they published, short lists, invitations and letters between
-- suppliers.

-- A search somebody wants to hear about: its address, how often, and the private feed's token (hashed).
CREATE TABLE saved_search (
    id         serial      PRIMARY KEY,
    ref        varchar(16) NOT NULL UNIQUE,
    person     integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    name       text        NOT NULL DEFAULT '',
    -- The search page's query string, exactly as in its URL.
    query      text        NOT NULL DEFAULT '',
    -- daily | at-once | never (feed only)
    rhythm     varchar(8)  NOT NULL DEFAULT 'daily',
    -- The key of the private feed and of the link that stops it: it opens public facts only, so it is kept readable
    -- for the letters.
    token      varchar(64) NOT NULL DEFAULT '',
    token_hash varchar(64) NOT NULL UNIQUE DEFAULT '',
    created_at timestamptz NOT NULL,
    told_until timestamptz,
    -- The last arrival that was looked at for it.
    told_upto  bigint      NOT NULL DEFAULT 0,
    stopped_at timestamptz
);
CREATE INDEX saved_search_person ON saved_search (person);

-- A thing that became findable here, numbered in the order of arrival. Alerts and feeds go by this number: neither
-- the date on a record nor the time of its publication says when the index first held it.
CREATE TABLE arrival (
    id      serial      PRIMARY KEY,
    -- `kind:reference`, as a document of the index is called.
    subject varchar(64) NOT NULL UNIQUE DEFAULT ''
);

-- What a buyer was shown of others' work while she drafted, and what she answered. Rows are only added: the last one
-- before publication is her answer, the earlier ones stay.
CREATE TABLE looked_at (
    id      serial      PRIMARY KEY,
    -- `challenge:reference` or `tender:reference`; a waiver is asked for a tender.
    subject varchar(40) NOT NULL DEFAULT '',
    -- JSON: a list of objects with id, kind, title, url, shared (words) and score, in the order they were shown.
    shown   text        NOT NULL DEFAULT '',
    -- reuse | join | differs | nothing (there was nothing alike to answer for)
    answer  varchar(8)  NOT NULL DEFAULT '',
    -- The id of what she reuses or joins; empty otherwise.
    chosen  text        NOT NULL DEFAULT '',
    reason  text        NOT NULL DEFAULT '',
    by      integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    at      timestamptz NOT NULL,
    CONSTRAINT answer_is_known CHECK (answer IN ('reuse', 'join', 'differs', 'nothing'))
);
CREATE INDEX looked_at_by ON looked_at (by);
CREATE INDEX looked_at_subject ON looked_at (subject);

-- A supplier that a buyer's body keeps in mind. Nobody else sees it, and nothing follows from it.
CREATE TABLE shortlisted (
    id       serial      PRIMARY KEY,
    buyer    integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    supplier integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    added_by integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    added_at timestamptz NOT NULL,
    CONSTRAINT a_supplier_is_listed_once UNIQUE (buyer, supplier)
);
CREATE INDEX shortlisted_added_by ON shortlisted (added_by);
CREATE INDEX shortlisted_buyer ON shortlisted (buyer);
CREATE INDEX shortlisted_supplier ON shortlisted (supplier);

-- A supplier whom a buyer told of something that is open to all, by letter, once.
CREATE TABLE invited (
    id       serial      PRIMARY KEY,
    -- `challenge:reference` or `tender:reference`.
    subject  varchar(40) NOT NULL DEFAULT '',
    supplier integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    by       integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    at       timestamptz NOT NULL,
    CONSTRAINT a_supplier_is_invited_once UNIQUE (subject, supplier)
);
CREATE INDEX invited_by ON invited (by);
CREATE INDEX invited_subject ON invited (subject);
CREATE INDEX invited_supplier ON invited (supplier);

-- A letter from one supplier to another about bidding together, carried by the platform so that neither learns an
-- address the other did not give.
CREATE TABLE approach (
    id       serial      PRIMARY KEY,
    ref      varchar(16) NOT NULL UNIQUE,
    sender   integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    receiver integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    text     text        NOT NULL DEFAULT '',
    by       integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    at       timestamptz NOT NULL
);
CREATE INDEX approach_by ON approach (by);
CREATE INDEX approach_receiver ON approach (receiver);
CREATE INDEX approach_sender ON approach (sender);
