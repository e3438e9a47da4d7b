-- The tables of the marketplace, noun by noun in the order of the floors: each names only those above it. Every key
-- refuses (RESTRICT): nothing that something else rests on can be deleted or renumbered. Moments are timestamptz;
-- money is whole minor units beside a currency.
--
-- transaction: yes

--   web        allowance  posted
--   audit      event  outbox
--   letters    letter  letter_try  dead_address  mail_server
--   accounts   organisation  person  membership  passkey  session  api_token  invitation  ceremony  reset
--   missions   mission  success_criterion
--   suppliers  profile  profile_version  registration
--   panels     seat  sheet  mark  consensus
--   payments   obligation  payment  payout_account  provider_event
--   standards  published_profile  service  lodgement  check_run  sandbox  live_check  issued_certificate  exemption
--              withholding
--   questions  public_question
--   tenders    tender  lot  lot_criterion  innovation_evidence  addendum  follower  opening_officer
--   waivers    waiver
--   bids       bid  opening  opened_bid
--   awards     decision  price_question  complaint
--   contracts  contract  contract_change  milestone
--   portal     source  import_run  raw_item  quarantined  imported_notice  notice_key  doubtful_pair  notice_merge
--              imported_supplier  supplier_mention  supplier_key  doubtful_suppliers  supplier_merge  supplier_claim
--   opendata   release  process  place

-- Refuses what would change or empty a table that is only ever added to: the triggers below call it.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;


-- ─── web ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- What the web floor keeps: allowances against guessing and flooding, and what was sent, so that it is done once.

-- A token bucket shared by all processes: how many `tries` the key has left, and when that was reckoned.
CREATE TABLE allowance (
    key   varchar(200) PRIMARY KEY DEFAULT '',
    tries real         NOT NULL DEFAULT 0.0,
    at    timestamptz  NOT NULL
);

-- Something that was sent with a token of its own and acted on: see `market.web.once`. Deleted after a day.
CREATE TABLE posted (
    -- SHA-256 of whose it is, where it went and its token; the token itself is not kept.
    key     varchar(64) PRIMARY KEY DEFAULT '',
    -- SHA-256 of what was sent.
    body    varchar(64) NOT NULL DEFAULT '',
    -- Which of two requests at the same moment did it.
    attempt varchar(16) NOT NULL DEFAULT '',
    at      timestamptz NOT NULL,
    -- What was answered, encrypted with a key that follows from the token; NULL until it went out.
    answer  bytea
);
CREATE INDEX posted_at ON posted (at);


-- ─── audit ───────────────────────────────────────────────────────────────────────────────────────────────────────────
-- The log and the outbox: what happened, for ever, and what must still be told.

-- One thing somebody did, linked to the event before it (see `market.proof.chain`). Never changed, never deleted: a
-- trigger refuses both.
--
-- `body` is canonical JSON and public; it names persons and bodies by reference only. What is personal or sealed
-- stands in `private_body` (salted), whose SHA-256 is inside `body`: the chain can be checked by people who may not
-- read it.
CREATE TABLE event (
    id           serial      PRIMARY KEY,
    -- 1, 2, 3 … without a gap.
    seq          bigint      NOT NULL UNIQUE DEFAULT 0,
    at           timestamptz NOT NULL,
    -- The person's reference, or `system`, or `public` for somebody not signed in.
    actor        varchar(16) NOT NULL DEFAULT '',
    -- The reference of the body the person acted for; empty when for nobody.
    organisation varchar(16) NOT NULL DEFAULT '',
    -- `noun.past-participle`, such as `tender.published`.
    verb         varchar(60) NOT NULL DEFAULT '',
    -- `kind:reference` of the record it happened to.
    subject      varchar(40) NOT NULL DEFAULT '',
    -- Every `kind:reference` this event belongs beside, the subject first.
    about        text[]      NOT NULL DEFAULT '{}',
    body         text        NOT NULL DEFAULT '',
    private_body text,
    body_digest  varchar(64) NOT NULL DEFAULT '',
    hash         varchar(64) NOT NULL UNIQUE DEFAULT '',
    -- `opening:tender:reference` or `publication:kind:reference`: until then the public sees only seq and hash.
    sealed_by    varchar(40) NOT NULL DEFAULT ''
);
CREATE INDEX event_about ON event USING gin (about);
CREATE INDEX event_actor ON event (actor);
CREATE INDEX event_at ON event (at);
CREATE INDEX event_subject ON event (subject);
CREATE INDEX event_verb ON event (verb);
CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_is_never_emptied BEFORE TRUNCATE ON event EXECUTE FUNCTION refuse_change();

-- A record whose public face may have changed: to be told to search, feeds and alerts. Carries ids only; the row is
-- read when the entry is drained, so repeats and reorderings converge.
CREATE TABLE outbox (
    id      serial      PRIMARY KEY,
    subject varchar(40) NOT NULL DEFAULT '',
    verb    varchar(60) NOT NULL DEFAULT '',
    at      timestamptz NOT NULL,
    tried   integer     NOT NULL DEFAULT 0,
    failure text        NOT NULL DEFAULT '',
    done_at timestamptz
);
CREATE INDEX outbox_done_at ON outbox (done_at);
CREATE INDEX outbox_subject ON outbox (subject);
CREATE INDEX outbox_waiting ON outbox (id) WHERE done_at IS NULL;


-- ─── letters ─────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Letters: what was written to whom and why, what was tried, and whether it left.

-- One message to one address, written in the transaction of the act it tells of; a job sends it, again if need be.
CREATE TABLE letter (
    id           serial       PRIMARY KEY,
    ref          varchar(16)  NOT NULL UNIQUE,
    -- The file of `templates/email/` it was made from; empty for letters written before this was kept.
    template     varchar(80)  NOT NULL DEFAULT '',
    -- The number (seq) of the log's event that caused it; NULL when a moment caused it (a deadline came near) or
    -- nothing was recorded.
    event        bigint,
    -- The addressee's reference when she has an account: she can read her letters at `/letters`.
    person       varchar(16)  NOT NULL DEFAULT '',
    -- The body for whose people it was written; NULL when it was for one person whatever she works for.
    organisation integer,
    address      varchar(254) NOT NULL DEFAULT '',
    name         text         NOT NULL DEFAULT '',
    subject      text         NOT NULL DEFAULT '',
    text         text         NOT NULL DEFAULT '',
    -- `kind:reference` of the record it is about.
    about        varchar(40)  NOT NULL DEFAULT '',
    written_at   timestamptz  NOT NULL,
    sent_at      timestamptz,
    -- How often it was offered since it was last asked for; a server that does not answer at all is not counted.
    tried        integer      NOT NULL DEFAULT 0,
    -- Not to be tried before; NULL at first and when it is not tried again.
    again_at     timestamptz,
    -- The server's last answer while it has not left.
    failure      text         NOT NULL DEFAULT '',
    -- It came back: refused for ever, or given up after the last try, or its address is dead.
    gave_up_at   timestamptz,
    -- Those who are told when a letter comes back were told of this one.
    passed_on_at timestamptz,
    -- How often it was asked for again after it had left: each copy travels under a number of its own.
    copies       integer      NOT NULL DEFAULT 0,
    -- A path that ends letters of this kind with one request and no signing in; empty where there is none.
    stops        text         NOT NULL DEFAULT '',
    -- Its link opens an account to whoever holds it: only the mailbox proves whose it is, so it is not shown at
    -- `/letters`, and once it has left the link is not kept.
    secret       boolean      NOT NULL DEFAULT false
);
CREATE INDEX letter_about ON letter (about);
CREATE INDEX letter_address ON letter (address);
CREATE INDEX letter_event ON letter (event);
CREATE INDEX letter_gave_up_at ON letter (gave_up_at);
CREATE INDEX letter_person ON letter (person);
CREATE INDEX letter_sent_at ON letter (sent_at);
CREATE INDEX letter_template ON letter (template);
CREATE INDEX letter_waiting ON letter (id) WHERE sent_at IS NULL;

-- One time a letter was offered to the mail server, and what the server answered. Kept as long as the letter.
CREATE TABLE letter_try (
    id     serial      PRIMARY KEY,
    letter integer     NOT NULL REFERENCES letter ON DELETE RESTRICT ON UPDATE RESTRICT,
    at     timestamptz NOT NULL,
    -- In the server's words, or what kept us from hearing any.
    answer text        NOT NULL DEFAULT '',
    sent   boolean     NOT NULL DEFAULT false
);
CREATE INDEX letter_try_letter ON letter_try (letter);

-- An address to which nothing is sent any more, because an operator said so.
CREATE TABLE dead_address (
    id        serial       PRIMARY KEY,
    -- Lower case.
    address   varchar(254) NOT NULL UNIQUE DEFAULT '',
    since     timestamptz  NOT NULL,
    reason    text         NOT NULL DEFAULT '',
    -- The operator's reference.
    marked_by varchar(16)  NOT NULL DEFAULT ''
);

-- How the mail server does: one row for each that was ever named. While it does not answer, letters rest.
CREATE TABLE mail_server (
    id            serial       PRIMARY KEY,
    host          varchar(254) NOT NULL UNIQUE DEFAULT '',
    -- How often in a row it could not be spoken with; 0 when the last letter went well.
    failures      integer      NOT NULL DEFAULT 0,
    failing_since timestamptz,
    -- Not to be spoken to before.
    again_at      timestamptz,
    -- What it said last, or what kept us from hearing anything.
    answer        text         NOT NULL DEFAULT ''
);


-- ─── accounts ────────────────────────────────────────────────────────────────────────────────────────────────────────
-- People, organisations, roles, keys and sessions.

-- A body that acts here: a buyer, a supplier, the audit body, or the operator (the standing innovation team).
CREATE TABLE organisation (
    id             serial      PRIMARY KEY,
    ref            varchar(16) NOT NULL UNIQUE,
    name           text        NOT NULL DEFAULT '',
    -- buyer | supplier | audit | operator
    kind           varchar(12) NOT NULL DEFAULT '',
    -- central | sub-central | local | health | other for a buyer (it decides whether the gate applies); empty
    -- otherwise.
    tier           varchar(12) NOT NULL DEFAULT '',
    -- The central department whose minister answers for this body; a department names none, it is its own.
    department     integer     REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    country        varchar(2)  NOT NULL DEFAULT 'GB',
    -- The org-id.guide list the identifier is from, such as GB-COH.
    scheme         varchar(20) NOT NULL DEFAULT '',
    identifier     varchar(40) NOT NULL DEFAULT '',
    region         text        NOT NULL DEFAULT '',
    website        text        NOT NULL DEFAULT '',
    email          text        NOT NULL DEFAULT '',
    employees      integer,
    turnover_minor bigint,
    balance_minor  bigint,
    currency       varchar(3)  NOT NULL DEFAULT 'GBP',
    created_at     timestamptz NOT NULL,
    CONSTRAINT kind_is_known CHECK (kind IN ('buyer', 'supplier', 'audit', 'operator')),
    CONSTRAINT tier_is_known CHECK (tier IN ('', 'central', 'sub-central', 'local', 'health', 'other'))
);
CREATE UNIQUE INDEX organisation_identifier_once ON organisation (scheme, identifier) WHERE identifier <> '';
CREATE INDEX organisation_kind ON organisation (kind);

-- Somebody who can sign in.
CREATE TABLE person (
    id            serial       PRIMARY KEY,
    ref           varchar(16)  NOT NULL UNIQUE,
    name          text         NOT NULL DEFAULT '',
    -- Lower case; the address letters go to and the name one signs in with.
    email         varchar(254) NOT NULL UNIQUE DEFAULT '',
    -- argon2id; empty for somebody who only has passkeys or has not accepted an invitation yet.
    password_hash text         NOT NULL DEFAULT '',
    created_at    timestamptz  NOT NULL,
    closed_at     timestamptz
);

-- A person's role in an organisation, from a moment until another: authority has dates, so that a signature can be
-- held against the office its signer held then.
CREATE TABLE membership (
    id           serial      PRIMARY KEY,
    person       integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    organisation integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- buyer | evaluator | contract-manager | minister | supplier-admin | supplier-member | auditor | operator
    role         varchar(20) NOT NULL DEFAULT '',
    -- The office as it is written under a signature, such as “Minister for Rural Transport”.
    title        text        NOT NULL DEFAULT '',
    since        timestamptz NOT NULL,
    until        timestamptz,
    CONSTRAINT role_is_known
        CHECK (role IN ('buyer', 'evaluator', 'contract-manager', 'minister', 'supplier-admin', 'supplier-member',
            'auditor', 'operator'))
);
CREATE UNIQUE INDEX membership_once ON membership (person, organisation, role) WHERE until IS NULL;
CREATE INDEX membership_organisation ON membership (organisation);
CREATE INDEX membership_person ON membership (person);

-- A public key whose private half lives on a person's own device (WebAuthn Level 3).
CREATE TABLE passkey (
    id            serial       PRIMARY KEY,
    person        integer      NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    name          text         NOT NULL DEFAULT '',
    -- base64url, as the browser sends it.
    credential_id varchar(1400) NOT NULL UNIQUE DEFAULT '',
    -- COSE_Key bytes.
    public_key    bytea        NOT NULL DEFAULT '\x',
    sign_count    bigint       NOT NULL DEFAULT 0,
    -- The registration evidence as JSON (attestation object, client data, challenge, time): kept for later proofs.
    registration  text         NOT NULL DEFAULT '',
    created_at    timestamptz  NOT NULL,
    used_at       timestamptz,
    revoked_at    timestamptz
);
CREATE INDEX passkey_person ON passkey (person);

-- One signed-in browser. The cookie holds a random token; only its SHA-256 is kept.
CREATE TABLE session (
    id         serial      PRIMARY KEY,
    token_hash varchar(64) NOT NULL UNIQUE DEFAULT '',
    person     integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- password | passkey | demo: what the person proved; ministers' acts want a passkey.
    method     varchar(12) NOT NULL DEFAULT '',
    -- The reference of the organisation a person with several acts for in this browser; empty for the first she
    -- joined.
    acting_for varchar(16) NOT NULL DEFAULT '',
    began_at   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz
);
CREATE INDEX session_person ON session (person);

-- A key a person made for a program that acts as her. Only its SHA-256 is kept; it is shown once.
CREATE TABLE api_token (
    id         serial      PRIMARY KEY,
    ref        varchar(16) NOT NULL UNIQUE,
    person     integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    name       text        NOT NULL DEFAULT '',
    token_hash varchar(64) NOT NULL UNIQUE DEFAULT '',
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX api_token_person ON api_token (person);

-- An address asked to join an organisation in a role. The letter holds a token; only its SHA-256 is kept.
CREATE TABLE invitation (
    id           serial       PRIMARY KEY,
    ref          varchar(16)  NOT NULL UNIQUE,
    organisation integer      NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    email        varchar(254) NOT NULL DEFAULT '',
    role         varchar(20)  NOT NULL DEFAULT '',
    title        text         NOT NULL DEFAULT '',
    -- When the office began, for a minister; the membership of others begins when they accept.
    office_since timestamptz,
    office_until timestamptz,
    token_hash   varchar(64)  NOT NULL UNIQUE DEFAULT '',
    invited_by   integer      NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    invited_at   timestamptz  NOT NULL,
    expires_at   timestamptz  NOT NULL,
    accepted_at  timestamptz,
    withdrawn_at timestamptz
);
CREATE INDEX invitation_invited_by ON invitation (invited_by);
CREATE INDEX invitation_organisation ON invitation (organisation);

-- A challenge handed to a browser for a passkey, good once and for a few minutes.
CREATE TABLE ceremony (
    id         serial      PRIMARY KEY,
    -- SHA-256 of the challenge in hexadecimal: the browser brings the challenge back inside the signed client data.
    handle     varchar(64) NOT NULL UNIQUE DEFAULT '',
    -- register | sign-in | sign
    purpose    varchar(12) NOT NULL DEFAULT '',
    person     integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    challenge  bytea       NOT NULL DEFAULT '\x',
    -- For `sign`: the canonical statement whose digest the challenge is.
    statement  text,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);

-- A letter that lets a person choose a new password; good once and for an hour. Only the token's SHA-256 is kept.
CREATE TABLE reset (
    id         serial      PRIMARY KEY,
    person     integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    token_hash varchar(64) NOT NULL UNIQUE DEFAULT '',
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX reset_person ON reset (person);


-- ─── missions ────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Missions and how we shall know that they succeeded.

-- A public aim set by the centre, with success criteria; challenges, tenders and contracts are filed under one.
CREATE TABLE mission (
    id           serial      PRIMARY KEY,
    ref          varchar(16) NOT NULL UNIQUE,
    owner        integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    title        text        NOT NULL DEFAULT '',
    statement    text        NOT NULL DEFAULT '',
    begins_on    date,
    ends_on      date,
    created_at   timestamptz NOT NULL,
    published_at timestamptz
);
CREATE INDEX mission_owner ON mission (owner);

-- One measure of a mission: what is counted, where it stood, where it shall stand, and by when.
CREATE TABLE success_criterion (
    id       serial      PRIMARY KEY,
    mission  integer     NOT NULL REFERENCES mission ON DELETE RESTRICT ON UPDATE RESTRICT,
    place    integer     NOT NULL DEFAULT 0,
    measure  text        NOT NULL DEFAULT '',
    baseline text        NOT NULL DEFAULT '',
    target   text        NOT NULL DEFAULT '',
    unit     varchar(60) NOT NULL DEFAULT '',
    due_on   date
);
CREATE INDEX success_criterion_mission ON success_criterion (mission);


-- ─── suppliers ───────────────────────────────────────────────────────────────────────────────────────────────────────
-- A supplier's profile: told once, versioned, read by every buyer.

-- What a supplier can do and has done, in its own words; public. One per supplier.
CREATE TABLE profile (
    id               serial      PRIMARY KEY,
    organisation     integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    summary          text        NOT NULL DEFAULT '',
    description      text        NOT NULL DEFAULT '',
    capabilities     text[]      NOT NULL DEFAULT '{}',
    cpv              text[]      NOT NULL DEFAULT '{}',
    regions          text[]      NOT NULL DEFAULT '{}',
    certificates     text[]      NOT NULL DEFAULT '{}',
    founded          integer,
    -- Whether other suppliers may find it as a bid partner.
    open_to_partners boolean     NOT NULL DEFAULT false,
    version          integer     NOT NULL DEFAULT 1,
    updated_at       timestamptz NOT NULL
);
CREATE UNIQUE INDEX profile_once ON profile (organisation);
CREATE INDEX profile_organisation ON profile (organisation);

-- The profile as it stood: what a buyer relied on can be read later.
CREATE TABLE profile_version (
    id           serial      PRIMARY KEY,
    organisation integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    version      integer     NOT NULL DEFAULT 0,
    -- Canonical JSON of the profile and the organisation's public facts.
    snapshot     text        NOT NULL DEFAULT '',
    at           timestamptz NOT NULL,
    by           integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX profile_version_by ON profile_version (by);
CREATE INDEX profile_version_organisation ON profile_version (organisation);

-- A firm that asked to join and has not yet proved its address by the letter's link. Nothing else is made before: so
-- nobody can hold a company's number with somebody else's address, nor learn which addresses have an account. Deleted
-- a week after it expired.
CREATE TABLE registration (
    id            serial       PRIMARY KEY,
    email         varchar(254) NOT NULL DEFAULT '',
    -- SHA-256 of the letter's token.
    token_hash    varchar(64)  NOT NULL UNIQUE DEFAULT '',
    -- The registration form as JSON, without the password.
    facts         text         NOT NULL DEFAULT '',
    password_hash text         NOT NULL DEFAULT '',
    asked_at      timestamptz  NOT NULL,
    expires_at    timestamptz  NOT NULL,
    confirmed_at  timestamptz
);
CREATE INDEX registration_email ON registration (email);


-- ─── panels ──────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Who sits on a panel, what she declared, what she marked, and what the panel says where it disagrees.

-- A person's place on the panel of a record: she marks only after declaring, and nothing she has an interest in.
CREATE TABLE seat (
    id              serial      PRIMARY KEY,
    -- `kind:reference` of the record whose panel it is.
    panel           varchar(40) NOT NULL DEFAULT '',
    person          integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    named_at        timestamptz NOT NULL,
    named_by        integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- Owed when she joins a panel whose work has begun.
    named_because   text        NOT NULL DEFAULT '',
    -- When she was written to that there is something to judge, where she was named before.
    begun_told_at   timestamptz,
    declared_at     timestamptz,
    -- References of the suppliers she has an interest in; she neither sees nor marks what they sent.
    conflicts       text[]      NOT NULL DEFAULT '{}',
    -- What the interest is; also what she says of one that she does not hold to be a conflict.
    statement       text        NOT NULL DEFAULT '',
    -- When she handed her marks in.
    locked_at       timestamptz,
    -- When she left the panel; her marks do not count.
    excused_at      timestamptz,
    excused_because text        NOT NULL DEFAULT '',
    CONSTRAINT somebody_sits_once UNIQUE (panel, person)
);
CREATE INDEX seat_panel ON seat (panel);
CREATE INDEX seat_person ON seat (person);

-- One evaluator's marks for one thing that was sent, kept as a whole.
CREATE TABLE sheet (
    id      serial      PRIMARY KEY,
    seat    integer     NOT NULL REFERENCES seat ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- `kind:reference` of what is marked.
    subject varchar(40) NOT NULL DEFAULT '',
    at      timestamptz NOT NULL,
    CONSTRAINT a_thing_has_one_sheet_of_each UNIQUE (seat, subject)
);
CREATE INDEX sheet_seat ON sheet (seat);

-- Points (0–100) on one criterion of a sheet, with the reason the supplier will read.
CREATE TABLE mark (
    id        serial      PRIMARY KEY,
    sheet     integer     NOT NULL REFERENCES sheet ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- The criterion's reference.
    criterion varchar(16) NOT NULL DEFAULT '',
    points    integer     NOT NULL DEFAULT 0,
    reason    text        NOT NULL DEFAULT '',
    CONSTRAINT points_are_of_a_hundred CHECK (points BETWEEN 0 AND 100),
    CONSTRAINT a_criterion_is_marked_once UNIQUE (sheet, criterion)
);
CREATE INDEX mark_sheet ON mark (sheet);

-- What a panel says where its members' marks lie far apart, once all are locked.
CREATE TABLE consensus (
    id    serial      PRIMARY KEY,
    panel varchar(40) NOT NULL UNIQUE DEFAULT '',
    note  text        NOT NULL DEFAULT '',
    at    timestamptz NOT NULL,
    by    integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT
);


-- ─── payments ────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Money owed and money paid, in integer minor units.

-- A sum that one body came to owe another by a fact: a pitch was delivered, a milestone was accepted. Made once per
-- fact (`cause` is unique), never altered.
CREATE TABLE obligation (
    id           serial      PRIMARY KEY,
    ref          varchar(16) NOT NULL UNIQUE,
    -- `kind:reference` of the fact, such as `pitch:PI-7KQ4M2X`: the same fact can never be owed twice.
    cause        varchar(60) NOT NULL UNIQUE DEFAULT '',
    payer        integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    payee        integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    amount_minor bigint      NOT NULL DEFAULT 0,
    currency     varchar(3)  NOT NULL DEFAULT 'GBP',
    purpose      text        NOT NULL DEFAULT '',
    -- `kind:reference` of the challenge or contract it belongs to.
    about        varchar(40) NOT NULL DEFAULT '',
    -- Every `kind:reference` the fact grew from, for the log's `about`.
    ancestors    text[]      NOT NULL DEFAULT '{}',
    -- The reference of the person who accepted the deliverable: she may not release the money for it.
    accepted_by  varchar(16) NOT NULL DEFAULT '',
    incurred_at  timestamptz NOT NULL,
    due_at       timestamptz NOT NULL,
    CONSTRAINT amount_is_positive CHECK (amount_minor > 0)
);
CREATE INDEX obligation_about ON obligation (about);
CREATE INDEX obligation_payee ON obligation (payee);
CREATE INDEX obligation_payer ON obligation (payer);
CREATE TRIGGER obligation_is_append_only BEFORE UPDATE OR DELETE ON obligation
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER obligation_is_never_emptied BEFORE TRUNCATE ON obligation EXECUTE FUNCTION refuse_change();

-- One attempt to pay an obligation through a provider. The row exists before the provider is called, its parameters
-- are frozen, and the idempotency key is `ref`: a crash between call and answer is found and finished, never
-- repeated.
CREATE TABLE payment (
    id           serial      PRIMARY KEY,
    ref          varchar(16) NOT NULL UNIQUE,
    obligation   integer     NOT NULL REFERENCES obligation ON DELETE RESTRICT ON UPDATE RESTRICT,
    attempt      integer     NOT NULL DEFAULT 1,
    -- stripe | simulated: who moved the money, or was to
    provider     varchar(12) NOT NULL DEFAULT '',
    -- The payee's account at the provider as it was when the money was released; empty when payments are simulated.
    destination  text        NOT NULL DEFAULT '',
    -- due | unknown (sent, no answer yet) | paid | refused
    state        varchar(12) NOT NULL DEFAULT '',
    provider_ref text        NOT NULL DEFAULT '',
    refusal      text        NOT NULL DEFAULT '',
    -- The reference of the person who released it: never the one who accepted the deliverable.
    approved_by  varchar(16) NOT NULL DEFAULT '',
    asked_at     timestamptz NOT NULL,
    -- When it was first sent: keys at the provider live for a day.
    sent_at      timestamptz,
    tried_at     timestamptz,
    paid_at      timestamptz,
    -- When the payee said that the money arrived.
    confirmed_at timestamptz,
    confirmed_by text,
    CONSTRAINT one_attempt_at_a_time UNIQUE (obligation, attempt)
);
CREATE INDEX payment_obligation ON payment (obligation);
CREATE INDEX payment_state ON payment (state);

-- Where a supplier is paid: its account at the provider, and since when that may receive money.
CREATE TABLE payout_account (
    id           serial      PRIMARY KEY,
    organisation integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    provider     varchar(12) NOT NULL DEFAULT '',
    account      text        NOT NULL DEFAULT '',
    active_at    timestamptz,
    created_at   timestamptz NOT NULL
);
CREATE INDEX payout_account_organisation ON payout_account (organisation);

-- What a provider told us, exactly as it came; stored first, acted on by a job, once.
CREATE TABLE provider_event (
    id          serial       PRIMARY KEY,
    provider    varchar(12)  NOT NULL DEFAULT '',
    event_id    varchar(120) NOT NULL UNIQUE DEFAULT '',
    kind        text         NOT NULL DEFAULT '',
    payload     text         NOT NULL DEFAULT '',
    received_at timestamptz  NOT NULL,
    done_at     timestamptz
);
CREATE INDEX provider_event_done_at ON provider_event (done_at);


-- ─── standards ───────────────────────────────────────────────────────────────────────────────────────────────────────
-- What is kept of standards: profile versions, services and their documents, runs, certificates, exemptions,
-- sanctions.

-- One version of a standards profile as it was published; nothing of it changes, a change is a new version.
--
-- `ruleset` and `description` are the two texts the profile is composed of; `digest` covers all that decides.
CREATE TABLE published_profile (
    id           serial      PRIMARY KEY,
    name         varchar(60) NOT NULL DEFAULT '',
    version      varchar(30) NOT NULL DEFAULT '',
    title        text        NOT NULL DEFAULT '',
    says         text        NOT NULL DEFAULT '',
    ruleset      text        NOT NULL DEFAULT '',
    description  text        NOT NULL DEFAULT '',
    digest       varchar(80) NOT NULL DEFAULT '',
    effective_on date,
    published_at timestamptz NOT NULL,
    -- Nobody for the profiles that come with the product.
    published_by integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE UNIQUE INDEX published_profile_once ON published_profile (name, version);
CREATE TRIGGER published_profile_is_append_only BEFORE UPDATE OR DELETE ON published_profile
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A supplier's reusable component: what it does, for whom, on which terms. Its API is in its lodgements.
CREATE TABLE service (
    id           serial      PRIMARY KEY,
    ref          varchar(16) NOT NULL UNIQUE,
    supplier     integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    title        text        NOT NULL DEFAULT '',
    does         text        NOT NULL DEFAULT '',
    used_by      text        NOT NULL DEFAULT '',
    licence      text        NOT NULL DEFAULT '',
    price_terms  text        NOT NULL DEFAULT '',
    cpv          text[]      NOT NULL DEFAULT '{}',
    -- beta | live | retiring.
    maturity     varchar(10) NOT NULL DEFAULT 'live',
    -- The description of its API is confidential: the catalogue shows that it exists and its result.
    private      boolean     NOT NULL DEFAULT false,
    public_url   text        NOT NULL DEFAULT '',
    -- The profiles it is checked under, each `name@version`.
    profiles     text[]      NOT NULL DEFAULT '{}',
    -- References of tenders it is offered for; a tender's gate looks at these first.
    offered_for  text[]      NOT NULL DEFAULT '{}',
    listed_at    timestamptz NOT NULL,
    listed_by    integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    withdrawn_at timestamptz
);
CREATE INDEX service_listed_by ON service (listed_by);
CREATE INDEX service_supplier ON service (supplier);

-- One document lodged for a service, exactly as it came. `changes` says (JSON) what differs from version `compared`:
-- the last one that passed, else the one before; 0 when there is none. `outline` is its API reference.
CREATE TABLE lodgement (
    id          serial      PRIMARY KEY,
    ref         varchar(16) NOT NULL UNIQUE,
    service     integer     NOT NULL REFERENCES service ON DELETE RESTRICT ON UPDATE RESTRICT,
    document    bytea       NOT NULL DEFAULT '\x',
    digest      varchar(80) NOT NULL DEFAULT '',
    name        text        NOT NULL DEFAULT '',
    api_title   text        NOT NULL DEFAULT '',
    api_version text        NOT NULL DEFAULT '',
    changes     text        NOT NULL DEFAULT '[]',
    compared    integer     NOT NULL DEFAULT 0,
    breaking    integer     NOT NULL DEFAULT 0,
    number      integer     NOT NULL DEFAULT 0,
    outline     text        NOT NULL DEFAULT '{}',
    lodged_at   timestamptz NOT NULL,
    lodged_by   integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX lodgement_lodged_by ON lodgement (lodged_by);
CREATE UNIQUE INDEX lodgement_once ON lodgement (service, number);
CREATE INDEX lodgement_service ON lodgement (service);
CREATE TRIGGER lodgement_is_append_only BEFORE UPDATE OR DELETE ON lodgement
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- One run of a profile on a lodged document: stored, never recomputed. `result` is the whole record as JSON.
CREATE TABLE check_run (
    id             serial      PRIMARY KEY,
    ref            varchar(16) NOT NULL UNIQUE,
    service        integer     NOT NULL REFERENCES service ON DELETE RESTRICT ON UPDATE RESTRICT,
    lodgement      integer     NOT NULL REFERENCES lodgement ON DELETE RESTRICT ON UPDATE RESTRICT,
    profile        integer     NOT NULL REFERENCES published_profile ON DELETE RESTRICT ON UPDATE RESTRICT,
    document       varchar(80) NOT NULL DEFAULT '',
    profile_digest varchar(80) NOT NULL DEFAULT '',
    engine         varchar(40) NOT NULL DEFAULT '',
    -- lodged | asked | periodic | live.
    cause          varchar(10) NOT NULL DEFAULT '',
    -- pass | pass-with-waivers | fail | could-not-check.
    outcome        varchar(20) NOT NULL DEFAULT '',
    gates          integer     NOT NULL DEFAULT 0,
    advisories     integer     NOT NULL DEFAULT 0,
    started_at     timestamptz NOT NULL,
    finished_at    timestamptz NOT NULL,
    result         text        NOT NULL DEFAULT '{}'
);
CREATE INDEX check_run_latest ON check_run (service, profile, id DESC);
CREATE INDEX check_run_lodgement ON check_run (lodgement);
CREATE INDEX check_run_profile ON check_run (profile);
CREATE INDEX check_run_service ON check_run (service);
CREATE INDEX check_run_started_at ON check_run (started_at);
CREATE TRIGGER check_run_is_append_only BEFORE UPDATE OR DELETE ON check_run
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Where a service can be tried, one for each service: its address, and the token that shows control of the host.
--
-- `credential` is the value of the header that authenticates a call, sealed with a key that only the platform has;
-- without `writable` nothing but GET is ever sent.
CREATE TABLE sandbox (
    id         serial      PRIMARY KEY,
    service    integer     NOT NULL REFERENCES service ON DELETE RESTRICT ON UPDATE RESTRICT,
    address    text        NOT NULL DEFAULT '',
    token      varchar(64) NOT NULL DEFAULT '',
    writable   boolean     NOT NULL DEFAULT false,
    header     varchar(80) NOT NULL DEFAULT '',
    credential bytea       NOT NULL DEFAULT '\x',
    named_at   timestamptz NOT NULL,
    named_by   integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX sandbox_named_by ON sandbox (named_by);
CREATE UNIQUE INDEX sandbox_once ON sandbox (service);
CREATE INDEX sandbox_service ON sandbox (service);

-- A live check of a service, asked and then made by a job. What it found is in runs whose cause is `live`; `stopped`
-- is why it could not be finished, empty when it was.
CREATE TABLE live_check (
    id          serial      PRIMARY KEY,
    ref         varchar(16) NOT NULL UNIQUE,
    service     integer     NOT NULL REFERENCES service ON DELETE RESTRICT ON UPDATE RESTRICT,
    lodgement   integer     NOT NULL REFERENCES lodgement ON DELETE RESTRICT ON UPDATE RESTRICT,
    address     text        NOT NULL DEFAULT '',
    asked_at    timestamptz NOT NULL,
    -- Nobody when a lodgement or the rhythm of the checks asked.
    asked_by    integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    began_at    timestamptz,
    finished_at timestamptz,
    stopped     text        NOT NULL DEFAULT '',
    requests    integer     NOT NULL DEFAULT 0
);
CREATE INDEX live_check_lodgement ON live_check (lodgement);
CREATE UNIQUE INDEX live_check_once_waiting ON live_check (service) WHERE finished_at IS NULL;
CREATE INDEX live_check_service ON live_check (service);

-- A certificate as it was signed. It is in force from `issued_at` to `valid_until` unless it was revoked before.
CREATE TABLE issued_certificate (
    id             serial      PRIMARY KEY,
    ref            varchar(16) NOT NULL UNIQUE,
    service        integer     NOT NULL REFERENCES service ON DELETE RESTRICT ON UPDATE RESTRICT,
    supplier       integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    profile        integer     NOT NULL REFERENCES published_profile ON DELETE RESTRICT ON UPDATE RESTRICT,
    run            integer     NOT NULL REFERENCES check_run ON DELETE RESTRICT ON UPDATE RESTRICT,
    document       varchar(80) NOT NULL DEFAULT '',
    issued_at      timestamptz NOT NULL,
    valid_until    timestamptz NOT NULL,
    file           bytea       NOT NULL DEFAULT '\x',
    revoked_at     timestamptz,
    revoked_reason text        NOT NULL DEFAULT '',
    -- Revoked only because a newer certificate took its place.
    replaced       boolean     NOT NULL DEFAULT false
);
CREATE INDEX issued_certificate_profile ON issued_certificate (profile);
CREATE INDEX issued_certificate_run ON issued_certificate (run);
CREATE INDEX issued_certificate_service ON issued_certificate (service);
CREATE INDEX issued_certificate_supplier ON issued_certificate (supplier);

-- An exception to a profile, asked and signed by a buyer and signed by the standards owner; both signatures make it.
--
-- `ground` is `rules` (the named rules are waived), `private` (the description stays confidential, the checks run) or
-- `national-security` (the checks run at the buyer's, a signed result is lodged, nothing about the API is public).
CREATE TABLE exemption (
    id             serial       PRIMARY KEY,
    ref            varchar(16)  NOT NULL UNIQUE,
    supplier       integer      NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    buyer          integer      NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    service        integer      REFERENCES service ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- `name@version`.
    profile        varchar(100) NOT NULL DEFAULT '',
    ground         varchar(20)  NOT NULL DEFAULT '',
    rules          text[]       NOT NULL DEFAULT '{}',
    scope          text         NOT NULL DEFAULT '',
    reason         text         NOT NULL DEFAULT '',
    -- What is done instead.
    control        text         NOT NULL DEFAULT '',
    -- The signed result file of a run made offline; for national security only.
    result         bytea        NOT NULL DEFAULT '\x',
    asked_at       timestamptz  NOT NULL,
    -- The buyer's signature.
    asked_by       integer      NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    signed_at      timestamptz,
    -- The standards owner's signature.
    signed_by      integer      REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    refused_at     timestamptz,
    refused_reason text         NOT NULL DEFAULT '',
    expires_at     timestamptz  NOT NULL,
    ended_at       timestamptz
);
CREATE INDEX exemption_asked_by ON exemption (asked_by);
CREATE INDEX exemption_buyer ON exemption (buyer);
CREATE INDEX exemption_service ON exemption (service);
CREATE INDEX exemption_supplier ON exemption (supplier);

-- A sanction for a certificate that lapsed: notice, time to cure, then access withheld, until a passing run.
--
-- Whether access is withheld now follows from the dates. `told_at` is when the end of the cure period was told.
CREATE TABLE withholding (
    id               serial      PRIMARY KEY,
    ref              varchar(16) NOT NULL UNIQUE,
    supplier         integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    service          integer     NOT NULL REFERENCES service ON DELETE RESTRICT ON UPDATE RESTRICT,
    profile          integer     NOT NULL REFERENCES published_profile ON DELETE RESTRICT ON UPDATE RESTRICT,
    reason           text        NOT NULL DEFAULT '',
    notice_at        timestamptz NOT NULL,
    cure_until       timestamptz NOT NULL,
    told_at          timestamptz,
    restored_at      timestamptz,
    restored_because text        NOT NULL DEFAULT '',
    appeal           text        NOT NULL DEFAULT '',
    appealed_at      timestamptz,
    appealed_by      integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    answer           text        NOT NULL DEFAULT '',
    answered_at      timestamptz,
    answered_by      integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- The appeal was right: access returned with the answer.
    upheld           boolean
);
CREATE UNIQUE INDEX withholding_once_open ON withholding (service, profile) WHERE restored_at IS NULL;
CREATE INDEX withholding_profile ON withholding (profile);
CREATE INDEX withholding_service ON withholding (service);
CREATE INDEX withholding_supplier ON withholding (supplier);


-- ─── questions ───────────────────────────────────────────────────────────────────────────────────────────────────────
-- Public questions and their answers, whatever record they are about.

-- A question any registered supplier may ask about a published record until the stated time, and the answer. Both are
-- published together, to everybody at once; the asker stays unnamed, to the buyer as well.
CREATE TABLE public_question (
    id             serial      PRIMARY KEY,
    ref            varchar(16) NOT NULL UNIQUE,
    -- What it is about, `kind:reference`; the record's own noun knows the rest.
    record         varchar(40) NOT NULL DEFAULT '',
    asker          integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    text           text        NOT NULL DEFAULT '',
    asked_at       timestamptz NOT NULL,
    -- When the buyer's officers were written to about it; NULL while it waits to be gathered into their next letter.
    asked_told_at  timestamptz,
    answer         text,
    answered_at    timestamptz,
    answered_by    integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- When those who asked or take part were written to that it is answered; NULL while that letter is gathered.
    answer_told_at timestamptz,
    CONSTRAINT an_answer_has_its_moment_and_its_officer
        CHECK ((answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answered_by IS NULL))
);
CREATE INDEX public_question_asker ON public_question (asker);
CREATE INDEX public_question_record ON public_question (record);
CREATE INDEX public_question_untold ON public_question (record)
    WHERE CASE WHEN answered_at IS NULL THEN asked_told_at ELSE answer_told_at END IS NULL;


-- ─── tenders ─────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Tenders and their lots, changes, and the evidence that innovation came first.

-- A competition for a contract. Its stage is never stored: it is reckoned from these dates and the present moment.
CREATE TABLE tender (
    id                         serial      PRIMARY KEY,
    ref                        varchar(16) NOT NULL UNIQUE,
    buyer                      integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    mission                    integer     REFERENCES mission ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- The reference of the challenge it was carried over from; empty when drafted from scratch.
    exercise                   varchar(16) NOT NULL DEFAULT '',
    title                      text        NOT NULL DEFAULT '',
    description                text        NOT NULL DEFAULT '',
    cpv                        text[]      NOT NULL DEFAULT '{}',
    region                     text        NOT NULL DEFAULT '',
    -- open | competitive-flexible: a row of parameters, not a package of code.
    procedure                  varchar(20) NOT NULL DEFAULT 'open',
    currency                   varchar(3)  NOT NULL DEFAULT 'GBP',
    -- The buyer's statement that this is an off-the-shelf supply.
    commodity_claimed          boolean     NOT NULL DEFAULT false,
    -- Why; owed with the claim, and public.
    commodity_statement        text        NOT NULL DEFAULT '',
    -- When an operator let the claim stand against the list of commodities; the codes decide while it is NULL.
    commodity_confirmed_at     timestamptz,
    commodity_confirmed_by     integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    commodity_confirmed_reason text        NOT NULL DEFAULT '',
    -- The reference of the waiver request that waits for the minister; until she decides nothing here changes.
    waiver_asked               varchar(16) NOT NULL DEFAULT '',
    -- Why it is not split into lots; owed when there is a single lot.
    undivided_reason           text        NOT NULL DEFAULT '',
    -- How many lots one supplier may be awarded; no limit when NULL.
    lots_per_supplier          integer,
    -- The API standards profile a digital service must pass, `name@version`; empty when none.
    profile                    text        NOT NULL DEFAULT '',
    -- Intellectual property, data, revenue share, in words.
    terms                      text        NOT NULL DEFAULT '',
    contract_begins_on         date,
    contract_ends_on           date,
    questions_until            timestamptz,
    closes_at                  timestamptz,
    created_at                 timestamptz NOT NULL,
    created_by                 integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    published_at               timestamptz,
    -- When the opening officers were written to that the bids can be opened.
    closing_told_at            timestamptz,
    opened_at                  timestamptz,
    cancelled_at               timestamptz,
    cancelled_reason           text        NOT NULL DEFAULT '',
    -- Why the gate let it pass at publication: exercise | waiver | commodity | not-central; empty before.
    ground                     varchar(12) NOT NULL DEFAULT '',
    -- The challenge or waiver it passed with.
    ground_reference           varchar(16) NOT NULL DEFAULT '',
    -- What the gate found at publication, rule by rule, as canonical JSON: stored so that it can be explained later.
    gate_trace                 text        NOT NULL DEFAULT '',
    -- The key bids are sealed to, from publication on.
    public_key                 bytea       NOT NULL DEFAULT '\x',
    -- The platform's share of the private half, itself encrypted; released only after the deadline.
    platform_share             bytea       NOT NULL DEFAULT '\x',
    key_commitment             text        NOT NULL DEFAULT ''
);
CREATE INDEX tender_buyer ON tender (buyer);
CREATE INDEX tender_created_by ON tender (created_by);
CREATE INDEX tender_published_at ON tender (published_at);

-- A part of a tender that is bid for, awarded and contracted on its own.
CREATE TABLE lot (
    id           serial      PRIMARY KEY,
    ref          varchar(16) NOT NULL UNIQUE,
    tender       integer     NOT NULL REFERENCES tender ON DELETE RESTRICT ON UPDATE RESTRICT,
    number       integer     NOT NULL DEFAULT 1,
    title        text        NOT NULL DEFAULT '',
    description  text        NOT NULL DEFAULT '',
    cpv          text[]      NOT NULL DEFAULT '{}',
    -- The estimated value without VAT, in the tender's currency.
    value_minor  bigint      NOT NULL DEFAULT 0,
    sme_suitable boolean     NOT NULL DEFAULT true,
    CONSTRAINT lot_numbers_are_unique UNIQUE (tender, number)
);
CREATE INDEX lot_tender ON lot (tender);

-- What a bid for this lot is scored on. Weights of a lot sum to 100; at most one criterion is the price.
CREATE TABLE lot_criterion (
    id          serial      PRIMARY KEY,
    ref         varchar(16) NOT NULL UNIQUE,
    lot         integer     NOT NULL REFERENCES lot ON DELETE RESTRICT ON UPDATE RESTRICT,
    place       integer     NOT NULL DEFAULT 0,
    name        text        NOT NULL DEFAULT '',
    description text        NOT NULL DEFAULT '',
    -- quality | price
    kind        varchar(8)  NOT NULL DEFAULT 'quality',
    weight      integer     NOT NULL DEFAULT 0,
    -- Quality points (of 100) below which a bid is excluded; 0 for none.
    minimum     integer     NOT NULL DEFAULT 0,
    CONSTRAINT kind_is_known CHECK (kind IN ('quality', 'price'))
);
CREATE INDEX lot_criterion_lot ON lot_criterion (lot);

-- The small fact the gate needs: an exercise was concluded, or a minister waived it. Written by challenges and
-- waivers through `tenders.actions.accept_evidence`; shared evidence serves any tender of the same buyer or
-- department.
CREATE TABLE innovation_evidence (
    id            serial      PRIMARY KEY,
    -- exercise | waiver
    ground        varchar(8)  NOT NULL DEFAULT '',
    -- Of the challenge or the waiver.
    reference     varchar(16) NOT NULL DEFAULT '',
    buyer         integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- A waiver serves one tender; an exercise any.
    tender        integer     REFERENCES tender ON DELETE RESTRICT ON UPDATE RESTRICT,
    cpv           text[]      NOT NULL DEFAULT '{}',
    -- The value a waiver was signed for; a tender that has grown beyond it needs a new one. NULL for an exercise.
    ceiling_minor bigint,
    -- The name and office under it.
    signed_by     text        NOT NULL DEFAULT '',
    completed_at  timestamptz NOT NULL,
    expires_at    timestamptz,
    CONSTRAINT ground_is_known CHECK (ground IN ('exercise', 'waiver')),
    CONSTRAINT evidence_is_accepted_once UNIQUE (ground, reference)
);
CREATE INDEX innovation_evidence_buyer ON innovation_evidence (buyer);
CREATE INDEX innovation_evidence_reference ON innovation_evidence (reference);

-- A change to a published tender, appended and dated; nothing published is overwritten.
CREATE TABLE addendum (
    id            serial      PRIMARY KEY,
    ref           varchar(16) NOT NULL UNIQUE,
    tender        integer     NOT NULL REFERENCES tender ON DELETE RESTRICT ON UPDATE RESTRICT,
    text          text        NOT NULL DEFAULT '',
    new_closes_at timestamptz,
    at            timestamptz NOT NULL,
    by            integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX addendum_by ON addendum (by);
CREATE INDEX addendum_tender ON addendum (tender);

-- A body that is written to when a published tender changes or ends: it asked, it bid, or it wanted to be told. Who
-- follows is nobody's business before the opening, so this is never shown or counted anywhere.
CREATE TABLE follower (
    id           serial      PRIMARY KEY,
    tender       integer     NOT NULL REFERENCES tender ON DELETE RESTRICT ON UPDATE RESTRICT,
    organisation integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    since        timestamptz NOT NULL,
    CONSTRAINT a_body_follows_once UNIQUE (tender, organisation)
);
CREATE INDEX follower_organisation ON follower (organisation);
CREATE INDEX follower_tender ON follower (tender);

-- An officer of the buyer without whose secret (and another officer's) no bid can be read. Only the public key of her
-- secret and her encrypted share are kept.
CREATE TABLE opening_officer (
    id             serial      PRIMARY KEY,
    tender         integer     NOT NULL REFERENCES tender ON DELETE RESTRICT ON UPDATE RESTRICT,
    person         integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    public_key     bytea       NOT NULL DEFAULT '\x',
    share          bytea       NOT NULL DEFAULT '\x',
    enrolled_at    timestamptz,
    contributed_at timestamptz,
    -- Her contribution after the deadline, encrypted, until the second officer's arrives.
    held           bytea       NOT NULL DEFAULT '\x',
    CONSTRAINT an_officer_is_named_once UNIQUE (tender, person)
);
CREATE INDEX opening_officer_person ON opening_officer (person);
CREATE INDEX opening_officer_tender ON opening_officer (tender);


-- ─── waivers ─────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Waivers of the innovation-first rule, asked by buyers, decided by ministers.

-- One request that a tender may open without an exercise of its own, and what the minister decided. A refused request
-- stays; only a new one can follow. Granted, it carries a signature anybody can check offline.
CREATE TABLE waiver (
    id              serial      PRIMARY KEY,
    ref             varchar(16) NOT NULL UNIQUE,
    tender          integer     NOT NULL REFERENCES tender ON DELETE RESTRICT ON UPDATE RESTRICT,
    buyer           integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- Whose minister decides.
    department      integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- A code of `fixtures/reference/waiver_grounds.yaml`, such as `equivalent-exercise`.
    ground          varchar(30) NOT NULL DEFAULT '',
    -- Why, in plain words.
    statement       text        NOT NULL DEFAULT '',
    -- What shows it: links and references, one a line.
    evidence        text        NOT NULL DEFAULT '',
    -- The references of the concluded exercises on the same subject that the buyer was shown when she asked.
    shown           text[]      NOT NULL DEFAULT '{}',
    -- What she answered: why they do not serve, or what she found herself.
    "similar"       text        NOT NULL DEFAULT '',
    cost_of_waiting text        NOT NULL DEFAULT '',
    asked_at        timestamptz NOT NULL,
    asked_by        integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    withdrawn_at    timestamptz,
    -- Asked for by the buyer, within the policy's limit; from then on it no longer opens anything.
    valid_until     timestamptz,
    decided_at      timestamptz,
    minister        integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- The minister's office as it stood at the decision.
    office          text        NOT NULL DEFAULT '',
    refusal_reason  text        NOT NULL DEFAULT '',
    -- The canonical JSON that was signed, byte for byte.
    document        text        NOT NULL DEFAULT '',
    -- Everything a stranger needs to verify the signature offline, as JSON.
    bundle          text        NOT NULL DEFAULT ''
);
CREATE INDEX waiver_asked_by ON waiver (asked_by);
CREATE INDEX waiver_buyer ON waiver (buyer);
CREATE INDEX waiver_department ON waiver (department);
CREATE UNIQUE INDEX waiver_once_open ON waiver (tender) WHERE decided_at IS NULL AND withdrawn_at IS NULL;
CREATE INDEX waiver_tender ON waiver (tender);


-- ─── bids ────────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Sealed bids and their opening.

-- One sealed envelope, or a withdrawal, exactly as it arrived. Append-only: what the supplier sent last for a lot
-- before the deadline counts.
CREATE TABLE bid (
    id          serial      PRIMARY KEY,
    ref         varchar(16) NOT NULL UNIQUE,
    tender      integer     NOT NULL REFERENCES tender ON DELETE RESTRICT ON UPDATE RESTRICT,
    lot         integer     NOT NULL REFERENCES lot ON DELETE RESTRICT ON UPDATE RESTRICT,
    supplier    integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    person      integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- submit | withdraw
    act         varchar(10) NOT NULL DEFAULT 'submit',
    -- Encrypted to the tender's key; empty for a withdrawal.
    envelope    bytea       NOT NULL DEFAULT '\x',
    digest      varchar(64) NOT NULL DEFAULT '',
    -- SHA-256 over the envelope's digest, the context and the moment: what the supplier keeps.
    receipt     varchar(64) NOT NULL DEFAULT '',
    received_at timestamptz NOT NULL
);
CREATE INDEX bid_counting ON bid (lot, supplier, id DESC);
CREATE INDEX bid_lot ON bid (lot);
CREATE INDEX bid_person ON bid (person);
CREATE INDEX bid_received_at ON bid (received_at);
CREATE INDEX bid_supplier ON bid (supplier);
CREATE INDEX bid_tender ON bid (tender);
CREATE TRIGGER bid_is_append_only BEFORE UPDATE OR DELETE ON bid FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER bid_is_never_emptied BEFORE TRUNCATE ON bid EXECUTE FUNCTION refuse_change();

-- The act of opening: once per tender, by two officers, with the register as it was published.
CREATE TABLE opening (
    id             serial      PRIMARY KEY,
    ref            varchar(16) NOT NULL UNIQUE,
    tender         integer     NOT NULL REFERENCES tender ON DELETE RESTRICT ON UPDATE RESTRICT,
    first_officer  integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    second_officer integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    opened_at      timestamptz NOT NULL,
    -- Canonical JSON: every counting envelope with supplier, lot, time and digest. Prices are shown when the panel
    -- has scored.
    register       text        NOT NULL DEFAULT '',
    digest         varchar(64) NOT NULL DEFAULT '',
    CONSTRAINT a_tender_is_opened_once UNIQUE (tender)
);
CREATE INDEX opening_first_officer ON opening (first_officer);
CREATE INDEX opening_second_officer ON opening (second_officer);
CREATE INDEX opening_tender ON opening (tender);
CREATE TRIGGER opening_is_append_only BEFORE UPDATE OR DELETE ON opening
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER opening_is_never_emptied BEFORE TRUNCATE ON opening EXECUTE FUNCTION refuse_change();

-- What was in a counting envelope.
CREATE TABLE opened_bid (
    id           serial      PRIMARY KEY,
    ref          varchar(16) NOT NULL UNIQUE,
    bid          integer     NOT NULL REFERENCES bid ON DELETE RESTRICT ON UPDATE RESTRICT,
    tender       integer     NOT NULL REFERENCES tender ON DELETE RESTRICT ON UPDATE RESTRICT,
    lot          integer     NOT NULL REFERENCES lot ON DELETE RESTRICT ON UPDATE RESTRICT,
    supplier     integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    price_minor  bigint      NOT NULL DEFAULT 0,
    currency     varchar(3)  NOT NULL DEFAULT 'GBP',
    -- Canonical JSON: criterion reference → what the supplier wrote.
    answers      text        NOT NULL DEFAULT '',
    declarations text        NOT NULL DEFAULT '',
    -- Why the envelope could not be read; empty when it could.
    problem      text        NOT NULL DEFAULT '',
    CONSTRAINT a_bid_is_opened_once UNIQUE (bid)
);
CREATE INDEX opened_bid_bid ON opened_bid (bid);
CREATE INDEX opened_bid_lot ON opened_bid (lot);
CREATE INDEX opened_bid_supplier ON opened_bid (supplier);
CREATE INDEX opened_bid_tender ON opened_bid (tender);


-- ─── awards ──────────────────────────────────────────────────────────────────────────────────────────────────────────
-- What was decided about opened bids, and what followed.

-- The award of a lot, or that nobody gets it, with reasons; it takes effect when the standstill has passed.
CREATE TABLE decision (
    id                 serial      PRIMARY KEY,
    ref                varchar(16) NOT NULL UNIQUE,
    tender             integer     NOT NULL REFERENCES tender ON DELETE RESTRICT ON UPDATE RESTRICT,
    lot                integer     NOT NULL REFERENCES lot ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- NULL when the lot is not awarded.
    winner             integer     REFERENCES opened_bid ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- Canonical JSON of the reckoning: every bid's scores, price points, total, rank, and each number explained.
    ranking            text        NOT NULL DEFAULT '',
    reasons            text        NOT NULL DEFAULT '',
    decided_at         timestamptz NOT NULL,
    decided_by         integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    standstill_ends_at timestamptz,
    set_aside_at       timestamptz,
    set_aside_reason   text        NOT NULL DEFAULT '',
    -- The reference of the contract drawn up from it, written by contracts; a contracted decision stands.
    contract           varchar(16) NOT NULL DEFAULT ''
);
CREATE INDEX decision_decided_by ON decision (decided_by);
CREATE INDEX decision_lot ON decision (lot);
CREATE UNIQUE INDEX decision_once ON decision (lot) WHERE set_aside_at IS NULL;
CREATE INDEX decision_tender ON decision (tender);

-- The buyer asks a bidder to explain a price that looks abnormally low. Such a bid may be set aside for its price
-- only after she answered or let the time for it pass (Procurement Act 2023 section 19(3) to (5)).
CREATE TABLE price_question (
    id          serial      PRIMARY KEY,
    bid         integer     NOT NULL REFERENCES opened_bid ON DELETE RESTRICT ON UPDATE RESTRICT,
    asked_at    timestamptz NOT NULL,
    asked_by    integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    answer_by   timestamptz NOT NULL,
    answer      text        NOT NULL DEFAULT '',
    answered_at timestamptz,
    answered_by integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT a_price_is_asked_about_once UNIQUE (bid)
);
CREATE INDEX price_question_bid ON price_question (bid);

-- A bidder's protest against a decision, lodged in standstill; it stops the contract until answered.
CREATE TABLE complaint (
    id          serial      PRIMARY KEY,
    ref         varchar(16) NOT NULL UNIQUE,
    decision    integer     NOT NULL REFERENCES decision ON DELETE RESTRICT ON UPDATE RESTRICT,
    supplier    integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    person      integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    text        text        NOT NULL DEFAULT '',
    lodged_at   timestamptz NOT NULL,
    answer      text        NOT NULL DEFAULT '',
    upheld      boolean     NOT NULL DEFAULT false,
    answered_at timestamptz,
    answered_by integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX complaint_decision ON complaint (decision);
CREATE UNIQUE INDEX complaint_once ON complaint (decision, supplier);
CREATE INDEX complaint_person ON complaint (person);
CREATE INDEX complaint_supplier ON complaint (supplier);


-- ─── contracts ───────────────────────────────────────────────────────────────────────────────────────────────────────
-- Contracts: what was agreed, who signed, what was delivered.

-- An agreement that follows an award; in force when both sides have signed the same document.
CREATE TABLE contract (
    id                 serial      PRIMARY KEY,
    ref                varchar(16) NOT NULL UNIQUE,
    decision           integer     NOT NULL REFERENCES decision ON DELETE RESTRICT ON UPDATE RESTRICT,
    tender             integer     NOT NULL REFERENCES tender ON DELETE RESTRICT ON UPDATE RESTRICT,
    lot                integer     NOT NULL REFERENCES lot ON DELETE RESTRICT ON UPDATE RESTRICT,
    buyer              integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    supplier           integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    mission            integer     REFERENCES mission ON DELETE RESTRICT ON UPDATE RESTRICT,
    title              text        NOT NULL DEFAULT '',
    value_minor        bigint      NOT NULL DEFAULT 0,
    currency           varchar(3)  NOT NULL DEFAULT 'GBP',
    begins_on          date,
    ends_on            date,
    terms              text        NOT NULL DEFAULT '',
    -- The canonical JSON both sides sign, fixed when the contract is drawn up.
    document           text        NOT NULL DEFAULT '',
    digest             varchar(64) NOT NULL DEFAULT '',
    drawn_up_at        timestamptz NOT NULL,
    drawn_up_by        integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    supplier_signed_at timestamptz,
    supplier_signed_by integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    buyer_signed_at    timestamptz,
    buyer_signed_by    integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    ended_at           timestamptz,
    ended_by           integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- Why it ended early, or why it was given up before both had signed.
    ended_reason       text        NOT NULL DEFAULT '',
    CONSTRAINT a_decision_is_contracted_once UNIQUE (decision)
);
CREATE INDEX contract_buyer ON contract (buyer);
CREATE INDEX contract_decision ON contract (decision);
CREATE INDEX contract_drawn_up_by ON contract (drawn_up_by);
CREATE INDEX contract_lot ON contract (lot);
CREATE INDEX contract_supplier ON contract (supplier);
CREATE INDEX contract_tender ON contract (tender);

-- A change to a contract in force, proposed by the buyer with a coded ground and agreed by the supplier; what was
-- before stays beside what is after. Published, never overwritten.
CREATE TABLE contract_change (
    id               serial      PRIMARY KEY,
    ref              varchar(16) NOT NULL UNIQUE,
    contract         integer     NOT NULL REFERENCES contract ON DELETE RESTRICT ON UPDATE RESTRICT,
    ground           varchar(30) NOT NULL DEFAULT '',
    text             text        NOT NULL DEFAULT '',
    before           text        NOT NULL DEFAULT '',
    after            text        NOT NULL DEFAULT '',
    new_ends_on      date,
    milestone_title  text        NOT NULL DEFAULT '',
    milestone_due_on date,
    -- What an added milestone pays; zero when none is added.
    milestone_minor  bigint      NOT NULL DEFAULT 0,
    at               timestamptz NOT NULL,
    by               integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- When the supplier agreed; only then does it take effect.
    agreed_at        timestamptz,
    agreed_by        integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- When it was left: the buyer took it back, or the supplier did not agree. Nothing changed then.
    left_at          timestamptz,
    -- buyer | supplier; empty when it was not left.
    left_by          varchar(8)  NOT NULL DEFAULT ''
);
CREATE INDEX contract_change_by ON contract_change (by);
CREATE INDEX contract_change_contract ON contract_change (contract);

-- A part of the work with a date and a price; accepting it creates the obligation to pay.
CREATE TABLE milestone (
    id             serial      PRIMARY KEY,
    ref            varchar(16) NOT NULL UNIQUE,
    contract       integer     NOT NULL REFERENCES contract ON DELETE RESTRICT ON UPDATE RESTRICT,
    number         integer     NOT NULL DEFAULT 0,
    title          text        NOT NULL DEFAULT '',
    due_on         date,
    amount_minor   bigint      NOT NULL DEFAULT 0,
    delivered_at   timestamptz,
    delivered_by   integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    delivery_note  text        NOT NULL DEFAULT '',
    accepted_at    timestamptz,
    accepted_by    integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- Why the last delivery was not accepted; emptied by the next delivery.
    refused_reason text        NOT NULL DEFAULT '',
    -- The agreed change that added it; NULL for one of the contract as it was signed.
    change         integer     REFERENCES contract_change ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT milestone_numbers_are_unique UNIQUE (contract, number),
    CONSTRAINT amount_is_positive CHECK (amount_minor > 0)
);
CREATE INDEX milestone_contract ON milestone (contract);


-- ─── portal ──────────────────────────────────────────────────────────────────────────────────────────────────────────
-- What is kept of other portals: the sources, every item as it was published, what was made of it, and what is in
-- doubt.

-- A portal that publishes notices. The rows follow `fixtures/reference/portal-sources.yaml`; only `every_hours`,
-- which the operator sets, and what is reckoned after a run are kept here alone.
CREATE TABLE source (
    id          serial      PRIMARY KEY,
    ref         varchar(16) NOT NULL UNIQUE,
    -- Short and stable: it is part of every notice's address.
    name        varchar(60) NOT NULL UNIQUE DEFAULT '',
    title       text        NOT NULL DEFAULT '',
    -- Where fetching begins; empty for a portal whose files are brought by hand.
    url         text        NOT NULL DEFAULT '',
    -- The portal's own front page, for people.
    home        text        NOT NULL DEFAULT '',
    -- `ocds` or `table` (CSV by a mapping of `portal-tables.yaml`).
    format      varchar(8)  NOT NULL DEFAULT 'ocds',
    mapping     varchar(60) NOT NULL DEFAULT '',
    -- How often the portal itself publishes, in words.
    cadence     text        NOT NULL DEFAULT '',
    -- How often it is fetched; 0 is by hand.
    every_hours integer     NOT NULL DEFAULT 0,
    licence     text        NOT NULL DEFAULT '',
    licence_url text        NOT NULL DEFAULT '',
    -- How one page leads to the next, as JSON: `{"by": "links.next"}`, `{"by": "cursor", …}` or empty for a single
    -- file.
    paging      text        NOT NULL DEFAULT '',
    -- The address of a notice at the portal, with `{ocid}` in it, for portals whose releases do not carry one.
    notice_link text        NOT NULL DEFAULT '',
    -- The last quality report as JSON; see `market.portal.intake.quality.plain`.
    quality     text        NOT NULL DEFAULT '',
    quality_at  timestamptz
);

-- One reading of one file, folder or address. The counts and the position are written with each batch, in the
-- transaction that writes the batch, so a run that was killed goes on where its last batch ended.
CREATE TABLE import_run (
    id         serial      PRIMARY KEY,
    ref        varchar(16) NOT NULL UNIQUE,
    source     integer     NOT NULL REFERENCES source ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- The file, folder or address as it was named.
    origin     text        NOT NULL DEFAULT '',
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    -- How far it has come, as JSON; see `market.portal.intake.importing.Position`.
    position   text        NOT NULL DEFAULT '',
    read       integer     NOT NULL DEFAULT 0,
    new        integer     NOT NULL DEFAULT 0,
    changed    integer     NOT NULL DEFAULT 0,
    unchanged  integer     NOT NULL DEFAULT 0,
    rejected   integer     NOT NULL DEFAULT 0,
    -- Why the run ended early, in plain words; empty when it came to the end.
    failure    text        NOT NULL DEFAULT ''
);
CREATE INDEX import_run_source ON import_run (source);
CREATE INDEX import_run_started_at ON import_run (started_at);

-- One release, record or table row exactly as it was published. Never altered, and nothing is published from it but
-- through `ImportedNotice`.
CREATE TABLE raw_item (
    id         serial      PRIMARY KEY,
    source     integer     NOT NULL REFERENCES source ON DELETE RESTRICT ON UPDATE RESTRICT,
    ocid       text        NOT NULL DEFAULT '',
    -- SHA-256 of the bytes as published.
    digest     bytea       NOT NULL DEFAULT '\x',
    -- Those bytes, zlib-compressed (RFC 1950).
    content    bytea       NOT NULL DEFAULT '\x',
    -- `release`, `compiled`, `record`, or `row` for a row of a table.
    kind       varchar(8)  NOT NULL DEFAULT '',
    -- What the package around it said of itself, as JSON.
    package    text        NOT NULL DEFAULT '',
    -- Where it stood: file, archive member, place in the package.
    position   text        NOT NULL DEFAULT '',
    fetched_at timestamptz NOT NULL,
    CONSTRAINT an_item_is_kept_once UNIQUE (source, digest)
);
ALTER TABLE raw_item ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX raw_item_procurement ON raw_item (source, ocid);

-- Something that could not be read, with its bytes, its place and the reason in plain words. When it has been mended
-- the row stays and says so.
CREATE TABLE quarantined (
    id        serial      PRIMARY KEY,
    ref       varchar(16) NOT NULL UNIQUE,
    source    integer     NOT NULL REFERENCES source ON DELETE RESTRICT ON UPDATE RESTRICT,
    run       integer     NOT NULL REFERENCES import_run ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- SHA-256 of place, reason and bytes: the same defect is kept once however often it is read.
    digest    bytea       NOT NULL DEFAULT '\x',
    -- The bytes at fault, zlib-compressed; empty when there are none (a file of zero bytes).
    content   bytea       NOT NULL DEFAULT '\x',
    position  text        NOT NULL DEFAULT '',
    reason    text        NOT NULL DEFAULT '',
    kind      varchar(8)  NOT NULL DEFAULT '',
    package   text        NOT NULL DEFAULT '',
    at        timestamptz NOT NULL,
    mended_at timestamptz,
    mended_by integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT a_defect_is_kept_once UNIQUE (source, digest)
);
ALTER TABLE quarantined ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX quarantined_mended_at ON quarantined (mended_at);
CREATE INDEX quarantined_run ON quarantined (run);
CREATE INDEX quarantined_waiting ON quarantined (id DESC) WHERE mended_at IS NULL;

-- One procurement at one portal, as all its releases together describe it. Everything in it follows from the raw
-- items of the same source and ocid and can be made anew from them.
--
-- `facts` is the public view (`market.portal.intake.notices.Notice`) as JSON; the columns beside it repeat what is
-- asked for.
CREATE TABLE imported_notice (
    id           serial      PRIMARY KEY,
    -- Made from source and ocid, so that a notice keeps its address when it is imported anew elsewhere.
    ref          varchar(16) NOT NULL UNIQUE,
    source       integer     NOT NULL REFERENCES source ON DELETE RESTRICT ON UPDATE RESTRICT,
    ocid         text        NOT NULL DEFAULT '',
    title        text        NOT NULL DEFAULT '',
    buyer        text        NOT NULL DEFAULT '',
    value_minor  bigint,
    currency     varchar(3)  NOT NULL DEFAULT 'GBP',
    published_at timestamptz,
    updated_at   timestamptz,
    opens_at     timestamptz,
    closes_at    timestamptz,
    reached      varchar(10) NOT NULL DEFAULT '',
    cancelled    boolean     NOT NULL DEFAULT false,
    test         boolean     NOT NULL DEFAULT false,
    facts        text        NOT NULL DEFAULT '',
    -- The OCDS compiled release as JSON, zlib-compressed.
    compiled     bytea       NOT NULL DEFAULT '\x',
    -- Each release in its order, as JSON: id, date, tags and what it changed.
    history      text        NOT NULL DEFAULT '',
    -- What was mended on the way in, as JSON.
    notes        text        NOT NULL DEFAULT '',
    note_codes   text[]      NOT NULL DEFAULT '{}',
    changed_at   timestamptz NOT NULL,
    -- When it was last compared with its likes; empty while that is still to do.
    matched_at   timestamptz,
    -- The notice under which it is shown, when it is the same procurement; empty when it is shown itself.
    shown_as     integer     REFERENCES imported_notice ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT a_procurement_is_kept_once_for_each_source UNIQUE (source, ocid)
);
ALTER TABLE imported_notice ALTER COLUMN compiled SET STORAGE EXTERNAL;
CREATE INDEX imported_notice_closing ON imported_notice (closes_at) WHERE shown_as IS NULL;
CREATE INDEX imported_notice_shown_as ON imported_notice (shown_as);
CREATE INDEX imported_notice_unmatched ON imported_notice (id) WHERE matched_at IS NULL;
CREATE INDEX imported_notice_updated_at ON imported_notice (updated_at);

-- Under what a notice is filed so that its likes are found: notices without a common key are never compared.
CREATE TABLE notice_key (
    id     serial  PRIMARY KEY,
    notice integer NOT NULL REFERENCES imported_notice ON DELETE RESTRICT ON UPDATE RESTRICT,
    source integer NOT NULL REFERENCES source ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- Of the SHA-256 of a key of `market.portal.sameness.matching.procurement_keys` the first eight bytes; even when
    -- the key is a number, which is the only thing that two notices of one portal are compared for.
    key    bigint  NOT NULL DEFAULT 0
);
CREATE INDEX notice_key_key ON notice_key (key);
CREATE INDEX notice_key_notice ON notice_key (notice);

-- Two notices that may be one procurement: a person decides, once. The answer stands until she changes it.
CREATE TABLE doubtful_pair (
    id          serial      PRIMARY KEY,
    ref         varchar(16) NOT NULL UNIQUE,
    one         integer     NOT NULL REFERENCES imported_notice ON DELETE RESTRICT ON UPDATE RESTRICT,
    other       integer     NOT NULL REFERENCES imported_notice ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- How likely they are the same, in thousandths.
    score       integer     NOT NULL DEFAULT 0,
    -- The reasons for and against, as JSON.
    evidence    text        NOT NULL DEFAULT '',
    found_at    timestamptz NOT NULL,
    -- The answer; empty while nobody has decided.
    same        boolean,
    answered_at timestamptz,
    answered_by integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT a_pair_is_asked_about_once UNIQUE (one, other)
);
CREATE INDEX doubtful_pair_answered_at ON doubtful_pair (answered_at);
CREATE INDEX doubtful_pair_one ON doubtful_pair (one);
CREATE INDEX doubtful_pair_other ON doubtful_pair (other);
CREATE INDEX doubtful_pair_waiting ON doubtful_pair (score DESC, id) WHERE answered_at IS NULL;

-- Two notices that are shown as one, and why. Undoing one shows them apart again and is remembered, so that the same
-- merge is not made again by itself.
CREATE TABLE notice_merge (
    id        serial      PRIMARY KEY,
    ref       varchar(16) NOT NULL UNIQUE,
    one       integer     NOT NULL REFERENCES imported_notice ON DELETE RESTRICT ON UPDATE RESTRICT,
    other     integer     NOT NULL REFERENCES imported_notice ON DELETE RESTRICT ON UPDATE RESTRICT,
    score     integer     NOT NULL DEFAULT 0,
    evidence  text        NOT NULL DEFAULT '',
    at        timestamptz NOT NULL,
    -- Who decided; empty when it followed from shared numbers or from buyer, title and date together.
    by        integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    undone_at timestamptz,
    undone_by integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT a_pair_is_merged_once UNIQUE (one, other)
);
CREATE INDEX notice_merge_one ON notice_merge (one);
CREATE INDEX notice_merge_other ON notice_merge (other);

-- A supplier as notices of other portals name it: one spelling of name, number and place. Those that are one firm are
-- shown as one, under the spelling that was met first; nothing is moved, so a joining can be undone.
CREATE TABLE imported_supplier (
    id            serial      PRIMARY KEY,
    -- Made from the spelling, so that its address stays when it is imported anew elsewhere.
    ref           varchar(16) NOT NULL UNIQUE,
    -- SHA-256 of the spelling: name, number and place.
    key           bytea       NOT NULL UNIQUE DEFAULT '\x',
    name          text        NOT NULL DEFAULT '',
    -- A register of org-id.guide; empty when no number on one was given.
    scheme        varchar(20) NOT NULL DEFAULT '',
    identifier    text        NOT NULL DEFAULT '',
    place         text        NOT NULL DEFAULT '',
    -- `sme`, `micro`, `large` … as a portal says, empty when none does.
    scale         text        NOT NULL DEFAULT '',
    -- For whom it worked, in plain words: a sign by which spellings are recognised.
    buyers        text[]      NOT NULL DEFAULT '{}',
    -- The kinds of work (CPV, three digits) it was awarded: another sign.
    cpv           text[]      NOT NULL DEFAULT '{}',
    -- Addresses that notices name as its contact. Never shown: a code is sent there to who claims the record.
    emails        text[]      NOT NULL DEFAULT '{}',
    -- Postal addresses that notices give, one text each; never shown but to the operator who posts a code.
    addresses     text[]      NOT NULL DEFAULT '{}',
    first_seen_at timestamptz NOT NULL,
    -- The spelling under which it is shown; empty when it is shown itself.
    shown_as      integer     REFERENCES imported_supplier ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX imported_supplier_listed ON imported_supplier (lower(name), id) WHERE shown_as IS NULL;
CREATE INDEX imported_supplier_number ON imported_supplier (scheme, identifier) WHERE identifier <> '';
CREATE INDEX imported_supplier_shown_as ON imported_supplier (shown_as);

-- A notice that names a supplier by one of its spellings.
CREATE TABLE supplier_mention (
    id       serial  PRIMARY KEY,
    supplier integer NOT NULL REFERENCES imported_supplier ON DELETE RESTRICT ON UPDATE RESTRICT,
    notice   integer NOT NULL REFERENCES imported_notice ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT a_notice_names_a_spelling_once UNIQUE (supplier, notice)
);
CREATE INDEX supplier_mention_notice ON supplier_mention (notice);

-- Under what a spelling is filed so that its likes are found.
CREATE TABLE supplier_key (
    id       serial  PRIMARY KEY,
    supplier integer NOT NULL REFERENCES imported_supplier ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- Of the SHA-256 of a key of `market.portal.suppliers.resolving.keys` the first eight bytes.
    key      bigint  NOT NULL DEFAULT 0
);
CREATE INDEX supplier_key_key ON supplier_key (key);
CREATE INDEX supplier_key_supplier ON supplier_key (supplier);

-- Two spellings that may be one supplier: a person decides, once.
CREATE TABLE doubtful_suppliers (
    id          serial      PRIMARY KEY,
    ref         varchar(16) NOT NULL UNIQUE,
    one         integer     NOT NULL REFERENCES imported_supplier ON DELETE RESTRICT ON UPDATE RESTRICT,
    other       integer     NOT NULL REFERENCES imported_supplier ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- How likely they are the same, in thousandths.
    score       integer     NOT NULL DEFAULT 0,
    -- The reasons for and against, as JSON.
    evidence    text        NOT NULL DEFAULT '',
    found_at    timestamptz NOT NULL,
    -- The answer; empty while nobody has decided.
    same        boolean,
    answered_at timestamptz,
    answered_by integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT two_spellings_are_asked_about_once UNIQUE (one, other)
);
CREATE INDEX doubtful_suppliers_answered_at ON doubtful_suppliers (answered_at);
CREATE INDEX doubtful_suppliers_one ON doubtful_suppliers (one);
CREATE INDEX doubtful_suppliers_other ON doubtful_suppliers (other);
CREATE INDEX doubtful_suppliers_waiting ON doubtful_suppliers (score DESC, id) WHERE answered_at IS NULL;

-- Two spellings that are shown as one supplier, and why. Undoing one is remembered, so that it is not made again.
CREATE TABLE supplier_merge (
    id        serial      PRIMARY KEY,
    ref       varchar(16) NOT NULL UNIQUE,
    one       integer     NOT NULL REFERENCES imported_supplier ON DELETE RESTRICT ON UPDATE RESTRICT,
    other     integer     NOT NULL REFERENCES imported_supplier ON DELETE RESTRICT ON UPDATE RESTRICT,
    score     integer     NOT NULL DEFAULT 0,
    evidence  text        NOT NULL DEFAULT '',
    at        timestamptz NOT NULL,
    -- Who decided; empty when it followed from a number or from the names.
    by        integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    undone_at timestamptz,
    undone_by integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    CONSTRAINT two_spellings_are_merged_once UNIQUE (one, other)
);
CREATE INDEX supplier_merge_one ON supplier_merge (one);
CREATE INDEX supplier_merge_other ON supplier_merge (other);

-- A registered supplier says that a record made by imports is its own, and how it proves control: by a code sent to
-- an address on record, or before an operator. Granted, it holds the record until it is let go.
CREATE TABLE supplier_claim (
    id             serial      PRIMARY KEY,
    ref            varchar(16) NOT NULL UNIQUE,
    -- The spelling under which the record was shown when it was claimed.
    supplier       integer     NOT NULL REFERENCES imported_supplier ON DELETE RESTRICT ON UPDATE RESTRICT,
    organisation   integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- `email`, `post` or `operator`.
    way            varchar(8)  NOT NULL DEFAULT '',
    -- What the claimant says for herself; for operators only.
    statement      text        NOT NULL DEFAULT '',
    -- The address on record the code goes to; empty for an operator's check. Never shown to the claimant in full.
    address        text        NOT NULL DEFAULT '',
    asked_at       timestamptz NOT NULL,
    asked_by       integer     NOT NULL REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- SHA-256 of the claim's reference and the code; empty until a code was made.
    code_hash      varchar(64) NOT NULL DEFAULT '',
    code_sent_at   timestamptz,
    code_until     timestamptz,
    -- Wrong codes so far.
    tries          integer     NOT NULL DEFAULT 0,
    -- When it was granted or refused.
    answered_at    timestamptz,
    granted        boolean,
    -- The operator who decided; empty when the code did.
    answered_by    integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- Why an operator granted or refused it.
    reason         text        NOT NULL DEFAULT '',
    withdrawn_at   timestamptz,
    -- When a granted record was let go again.
    released_at    timestamptz,
    released_by    integer     REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    release_reason text        NOT NULL DEFAULT ''
);
CREATE INDEX supplier_claim_answered_at ON supplier_claim (answered_at);
CREATE INDEX supplier_claim_asked_by ON supplier_claim (asked_by);
CREATE UNIQUE INDEX supplier_claim_asked_once ON supplier_claim (supplier, organisation)
    WHERE answered_at IS NULL AND withdrawn_at IS NULL;
CREATE UNIQUE INDEX supplier_claim_one_holder ON supplier_claim (supplier) WHERE granted AND released_at IS NULL;
CREATE INDEX supplier_claim_organisation ON supplier_claim (organisation);
CREATE INDEX supplier_claim_supplier ON supplier_claim (supplier);


-- ─── opendata ────────────────────────────────────────────────────────────────────────────────────────────────────────
-- What was published as open contracting data: every release as its bytes, and each process compiled.

-- One release, exactly as it was published. Written by one run at a time in the order of the log, so that `event` is
-- an order in which a reader can follow without missing any, and the same after everything was published anew.
CREATE TABLE release (
    id         serial      PRIMARY KEY,
    -- The release id: the ocid and the event it announces.
    key        varchar(80) NOT NULL UNIQUE DEFAULT '',
    ocid       varchar(80) NOT NULL DEFAULT '',
    -- The seq of the event it announces: the reader's cursor.
    event      bigint      NOT NULL UNIQUE DEFAULT 0,
    at         timestamptz NOT NULL,
    tags       text[]      NOT NULL DEFAULT '{}',
    -- The extensions whose fields it has, so that a package can name them without reading it.
    extensions text[]      NOT NULL DEFAULT '{}',
    body       text        NOT NULL DEFAULT ''
);
CREATE INDEX release_at ON release (at);
CREATE INDEX release_ocid ON release (ocid);

-- One contracting process: all its releases merged. `last` is the event of its newest release and moves it to the end
-- of the list of records whenever something happens.
CREATE TABLE process (
    id         serial      PRIMARY KEY,
    ocid       varchar(80) NOT NULL UNIQUE DEFAULT '',
    -- `challenge:…` or `tender:…`
    subject    varchar(40) NOT NULL UNIQUE DEFAULT '',
    last       bigint      NOT NULL UNIQUE DEFAULT 0,
    -- The moment of its first release; its year says in which yearly file it stands.
    began_at   timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    -- What its newest release announced.
    tags       text[]      NOT NULL DEFAULT '{}',
    extensions text[]      NOT NULL DEFAULT '{}',
    -- Links to its releases as a record lists them, as JSON.
    listed     text        NOT NULL DEFAULT '',
    compiled   text        NOT NULL DEFAULT ''
);
CREATE INDEX process_began_at ON process (began_at);

-- How far the log has been read for publication. It passes events about which nothing is published, too.
CREATE TABLE place (
    name  varchar(20) PRIMARY KEY DEFAULT '',
    -- The seq of the last event that was dealt with.
    event bigint      NOT NULL DEFAULT 0
);
