-- When the servers answered, by their own heartbeats; the deadlines that moved because none did; and whom they had turned away.
-- transaction: yes

-- Time in which one server answered without a break. Only a later end is taken.
CREATE TABLE presence (
    id            serial      PRIMARY KEY,
    server        text        NOT NULL DEFAULT '',
    since         timestamptz NOT NULL,
    until         timestamptz NOT NULL,
    -- The last beat by the machine's own clock, which nobody moves in a demonstration.
    machine_until timestamptz NOT NULL,
    beats         integer     NOT NULL DEFAULT 0,
    -- SHA-256, chained over the lines of the heartbeat that were read.
    digest        varchar(64) NOT NULL DEFAULT '',
    -- SHA-256 of the lines between the stretch before and the first beat of this one: the source of an outage.
    gap_digest    varchar(64) NOT NULL DEFAULT '',
    gap_beats     integer     NOT NULL DEFAULT 0,
    CONSTRAINT it_ends_after_it_begins CHECK (until >= since)
);
CREATE INDEX presence_until ON presence (until);

CREATE FUNCTION refuse_absence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.until >= OLD.until AND NEW.machine_until > OLD.machine_until AND NEW.beats > OLD.beats
            AND (NEW.id, NEW.server, NEW.since, NEW.gap_digest, NEW.gap_beats)
                = (OLD.id, OLD.server, OLD.since, OLD.gap_digest, OLD.gap_beats)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% only grows: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER presence_only_grows BEFORE UPDATE OR DELETE ON presence
    FOR EACH ROW EXECUTE FUNCTION refuse_absence();
CREATE TRIGGER presence_is_never_emptied BEFORE TRUNCATE ON presence EXECUTE FUNCTION refuse_change();

-- A deadline that moved because the service was away, and the measurement it rested on.
CREATE TABLE deadline_move (
    id           serial      PRIMARY KEY,
    -- What closes then, `kind:reference`.
    record       varchar(40) NOT NULL DEFAULT '',
    closed_at    timestamptz NOT NULL,
    closes_at    timestamptz NOT NULL,
    away_since   timestamptz NOT NULL,
    away_until   timestamptz NOT NULL,
    last_server  text        NOT NULL DEFAULT '',
    first_server text        NOT NULL DEFAULT '',
    last_digest  varchar(64) NOT NULL DEFAULT '',
    gap_digest   varchar(64) NOT NULL DEFAULT '',
    at           timestamptz NOT NULL,
    CONSTRAINT it_moves_later CHECK (closes_at > closed_at),
    CONSTRAINT an_outage_counts_once UNIQUE (record, away_since)
);
CREATE INDEX deadline_move_record ON deadline_move (record);
CREATE TRIGGER deadline_move_is_append_only BEFORE UPDATE OR DELETE ON deadline_move
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER deadline_move_is_never_emptied BEFORE TRUNCATE ON deadline_move EXECUTE FUNCTION refuse_change();

-- A body whom the deadline of a record turned away: it is told when that deadline moves.
CREATE TABLE late_comer (
    id           serial      PRIMARY KEY,
    record       varchar(40) NOT NULL DEFAULT '',
    organisation integer     NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT,
    at           timestamptz NOT NULL,
    CONSTRAINT a_body_is_noted_once UNIQUE (record, organisation)
);
CREATE INDEX late_comer_organisation ON late_comer (organisation);
