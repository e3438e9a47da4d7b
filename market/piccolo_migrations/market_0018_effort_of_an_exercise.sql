-- What an exercise rests on, as the effort rules found it when it was concluded. Of exercises from before nothing is known.
-- transaction: yes

ALTER TABLE innovation_evidence
    -- How many teams pitched and count.
    ADD COLUMN pitches       integer,
    -- How many the policy asked for then.
    ADD COLUMN pitches_least integer,
    -- How many success criteria were answered with a measured value.
    ADD COLUMN measures      integer,
    -- The approved statement why the market stayed away; empty when there is none.
    ADD COLUMN statement     varchar(16) NOT NULL DEFAULT '',
    -- What was too little for it to open anything: method | pitches; empty when nothing was.
    ADD COLUMN falls_short   varchar(8)  NOT NULL DEFAULT '',
    ADD CONSTRAINT shortfall_is_known CHECK (falls_short IN ('', 'method', 'pitches'));
