-- The tables of the innovation exercises. They stand on those of the marketplace. Every key refuses (RESTRICT):
-- nothing that something else rests on can be deleted or renumbered. Moments are timestamptz; money is whole minor
-- units beside a currency.
--
-- transaction: yes


-- ─── challenges ──────────────────────────────────────────────────────────────────────────────────────────────────────
-- Innovation exercises and everything that happens in one.

-- A problem put to the market: who has it, what success is, what a pitch is paid. Never a specification. Its stage is
-- reckoned from these dates and the present moment.
CREATE TABLE challenge (
    id                    serial      PRIMARY KEY,
    ref                   varchar(16) NOT NULL UNIQUE,
    buyer                 integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    mission               integer     REFERENCES mission ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- A code of the approved methods.
    method                varchar(40) NOT NULL DEFAULT 'open-challenge',
    -- The problem in one sentence.
    title                 text        NOT NULL DEFAULT '',
    problem               text        NOT NULL DEFAULT '',
    who_has_it            text        NOT NULL DEFAULT '',
    evidence              text        NOT NULL DEFAULT '',
    -- How we shall know that it is solved.
    success               text        NOT NULL DEFAULT '',
    out_of_scope          text        NOT NULL DEFAULT '',
    cpv                   text[]      NOT NULL DEFAULT '{}',
    region                text        NOT NULL DEFAULT '',
    -- What every delivered pitch is paid, win or lose.
    fee_minor             bigint      NOT NULL DEFAULT 0,
    currency              varchar(3)  NOT NULL DEFAULT 'GBP',
    -- How many teams are short-listed, and so paid, at the most.
    places                integer     NOT NULL DEFAULT 0,
    intellectual_property text        NOT NULL DEFAULT '',
    data_terms            text        NOT NULL DEFAULT '',
    revenue_share         text        NOT NULL DEFAULT '',
    -- The API standards profile a digital service must pass later, `name@version`; empty when none.
    profile               text        NOT NULL DEFAULT '',
    questions_until       timestamptz,
    closes_at             timestamptz,
    pitches_by            timestamptz,
    decision_by           timestamptz,
    created_at            timestamptz NOT NULL,
    created_by            integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    published_at          timestamptz,
    shortlisted_at        timestamptz,
    concluded_at          timestamptz,
    -- go | change | stop, once concluded
    decision              varchar(8)  NOT NULL DEFAULT '',
    decision_reasons      text        NOT NULL DEFAULT '',
    cancelled_at          timestamptz,
    cancelled_reason      text        NOT NULL DEFAULT '',
    CONSTRAINT decision_is_known CHECK (decision IN ('', 'go', 'change', 'stop'))
);
CREATE INDEX challenge_buyer ON challenge (buyer);
CREATE INDEX challenge_created_by ON challenge (created_by);
CREATE INDEX challenge_mission ON challenge (mission);
CREATE INDEX challenge_published_at ON challenge (published_at);

-- What applications are scored on. The weights of a challenge sum to 100.
CREATE TABLE criterion (
    id          serial      PRIMARY KEY,
    ref         varchar(16) NOT NULL UNIQUE,
    challenge   integer     NOT NULL REFERENCES challenge ON DELETE RESTRICT ON UPDATE RESTRICT,
    place       integer     NOT NULL DEFAULT 0,
    name        text        NOT NULL DEFAULT '',
    description text        NOT NULL DEFAULT '',
    weight      integer     NOT NULL DEFAULT 0
);
CREATE INDEX criterion_challenge ON criterion (challenge);

-- A supplier's answer to a challenge: one each, edited or withdrawn until it closes, known to the panel by an alias.
CREATE TABLE application (
    id           serial      PRIMARY KEY,
    ref          varchar(16) NOT NULL UNIQUE,
    challenge    integer     NOT NULL REFERENCES challenge ON DELETE RESTRICT ON UPDATE RESTRICT,
    supplier     integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- Dealt to all applications at once, shuffled, when the challenge has closed.
    alias        text        NOT NULL DEFAULT '',
    summary      text        NOT NULL DEFAULT '',
    approach     text        NOT NULL DEFAULT '',
    evidence     text        NOT NULL DEFAULT '',
    team         text        NOT NULL DEFAULT '',
    submitted_at timestamptz NOT NULL,
    submitted_by integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    edited_at    timestamptz,
    withdrawn_at timestamptz,
    shortlisted  boolean     NOT NULL DEFAULT false,
    rank         integer     NOT NULL DEFAULT 0,
    -- The panel's weighted average as it was reckoned, for letters and feedback.
    total        text        NOT NULL DEFAULT '',
    CONSTRAINT a_supplier_applies_once UNIQUE (challenge, supplier)
);
CREATE INDEX application_challenge ON application (challenge);
CREATE INDEX application_submitted_by ON application (submitted_by);
CREATE INDEX application_supplier ON application (supplier);

-- A short-listed team's paid pitch. Marking it delivered creates the obligation to pay the fee.
CREATE TABLE pitch (
    id             serial      PRIMARY KEY,
    ref            varchar(16) NOT NULL UNIQUE,
    application    integer     NOT NULL REFERENCES application ON DELETE RESTRICT ON UPDATE RESTRICT,
    challenge      integer     NOT NULL REFERENCES challenge ON DELETE RESTRICT ON UPDATE RESTRICT,
    supplier       integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    scheduled_at   timestamptz,
    place_or_link  text        NOT NULL DEFAULT '',
    delivered_at   timestamptz,
    delivered_by   integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    note           text        NOT NULL DEFAULT '',
    missed_at      timestamptz,
    -- Why it was not delivered; a team that did not pitch is not paid.
    missed_because text        NOT NULL DEFAULT '',
    CONSTRAINT an_application_is_pitched_once UNIQUE (application)
);
CREATE INDEX pitch_application ON pitch (application);
CREATE INDEX pitch_challenge ON pitch (challenge);
CREATE INDEX pitch_supplier ON pitch (supplier);

-- What was learnt, published for everybody: what was tried, what worked, the evidence, what others should know.
CREATE TABLE insight_report (
    id           serial      PRIMARY KEY,
    ref          varchar(16) NOT NULL UNIQUE,
    challenge    integer     NOT NULL REFERENCES challenge ON DELETE RESTRICT ON UPDATE RESTRICT,
    title        text        NOT NULL DEFAULT '',
    tried        text        NOT NULL DEFAULT '',
    worked       text        NOT NULL DEFAULT '',
    did_not_work text        NOT NULL DEFAULT '',
    evidence     text        NOT NULL DEFAULT '',
    others       text        NOT NULL DEFAULT '',
    written_by   integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    published_at timestamptz,
    CONSTRAINT a_challenge_is_reported_once UNIQUE (challenge)
);
CREATE INDEX insight_report_challenge ON insight_report (challenge);
CREATE INDEX insight_report_written_by ON insight_report (written_by);
