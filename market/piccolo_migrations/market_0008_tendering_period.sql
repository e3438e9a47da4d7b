-- What a tender states so that another tendering period binds it: documents that come later, a planned notice, urgency.
-- transaction: yes

ALTER TABLE tender
    -- Whether some tender documents come later than the notice, for which suppliers get more days.
    ADD COLUMN documents_later boolean NOT NULL DEFAULT false,
    -- The reference or address of the planned procurement notice that this tender follows, for the shorter period.
    ADD COLUMN planned_notice text NOT NULL DEFAULT '',
    -- When that notice was published.
    ADD COLUMN planned_notice_on date,
    -- Why the period for urgency is claimed; public.
    ADD COLUMN urgency_reason text NOT NULL DEFAULT '';
