"""The partitioned log. The triggers that write into it are made from the models (crm.activity.triggers)."""

from django.db import migrations

LOG = """
CREATE TABLE activity_log (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    kind varchar(8) NOT NULL CHECK (kind IN ('change', 'fact', 'access')),
    action varchar(80) NOT NULL,
    entity varchar(60) NOT NULL DEFAULT '',
    entity_id uuid,
    table_name varchar(63) NOT NULL DEFAULT '',
    changes jsonb NOT NULL DEFAULT '{}',
    subjects jsonb NOT NULL DEFAULT '[]',
    user_id uuid,
    change_set_id uuid,
    ip_address inet,
    user_agent varchar(400) NOT NULL DEFAULT '',
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE TABLE activity_log_rest PARTITION OF activity_log DEFAULT;
CREATE INDEX activity_log_by_record ON activity_log (entity_id, created_at DESC, id DESC);
CREATE INDEX activity_log_by_change_set ON activity_log (change_set_id) WHERE change_set_id IS NOT NULL;
CREATE INDEX activity_log_by_user ON activity_log (user_id, id DESC) WHERE user_id IS NOT NULL;
-- The primary key is in the order of time, too: ids are UUIDv7.
CREATE INDEX activity_log_recent ON activity_log USING brin (created_at);
CREATE INDEX activity_log_by_subject ON activity_log USING gin (subjects) WHERE subjects <> '[]';

-- Makes the partitions of the months around now; called by migrations and daily by a job.
CREATE FUNCTION rapport_make_partitions(months_ahead int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    first date; name text; made int := 0;
BEGIN
    FOR i IN -1 .. months_ahead LOOP
        first := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i))::date;
        name := 'activity_log_' || to_char(first, 'YYYY_MM');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF activity_log FOR VALUES FROM (%L) TO (%L)',
                name, first::timestamp AT TIME ZONE 'UTC', (first + interval '1 month')::timestamp AT TIME ZONE 'UTC');
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;
SELECT rapport_make_partitions(3);

-- RFC 9562, version 7: 48 bits of milliseconds, then random bits.
CREATE FUNCTION rapport_uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                    FROM 1 FOR 6),
            52, 1), 53, 1), 'hex')::uuid
$$;

-- The change set of the open transaction; its row is written when the first thing is logged under it.
CREATE FUNCTION rapport_change_set() RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    known text := current_setting('rapport.change_set', true);
BEGIN
    IF known IS NULL OR known = '' THEN
        known := rapport_uuid7()::text;
        PERFORM set_config('rapport.change_set', known, true);
        PERFORM set_config('rapport.source', 'sql', true);
        PERFORM set_config('rapport.user', '', true);
        PERFORM set_config('rapport.label', '', true);
        PERFORM set_config('rapport.logged', '', true);
    END IF;
    IF current_setting('rapport.logged', true) IS DISTINCT FROM known THEN
        INSERT INTO activity_changeset (id, user_id, source, label, request_id, ip_address, user_agent, undoes_id)
        VALUES (
            known::uuid,
            nullif(current_setting('rapport.user', true), '')::uuid,
            coalesce(nullif(current_setting('rapport.source', true), ''), 'sql'),
            coalesce(current_setting('rapport.label', true), ''),
            coalesce(current_setting('rapport.request_id', true), ''),
            nullif(current_setting('rapport.ip', true), '')::inet,
            coalesce(current_setting('rapport.agent', true), ''),
            nullif(current_setting('rapport.undoes', true), '')::uuid
        ) ON CONFLICT (id) DO NOTHING;
        PERFORM set_config('rapport.logged', known, true);
    END IF;
    RETURN known::uuid;
END $$;

-- The log is append-only, whoever asks.
CREATE FUNCTION rapport_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The activity log is append-only.' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER activity_log_append_only BEFORE UPDATE OR DELETE ON activity_log
    FOR EACH ROW EXECUTE FUNCTION rapport_append_only();
"""

BACK = """
DROP TABLE activity_log;
DROP FUNCTION rapport_append_only() CASCADE;
DROP FUNCTION rapport_change_set();
DROP FUNCTION rapport_uuid7();
DROP FUNCTION rapport_make_partitions(int);
"""


class Migration(migrations.Migration):
    dependencies = [("activity", "0002_initial")]
    operations = [migrations.RunSQL(LOG, BACK)]
