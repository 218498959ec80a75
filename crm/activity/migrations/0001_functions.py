"""Extensions, and the folding that sorting and searching stand on."""

from django.db import migrations

FOLD = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- Lower-cased and unaccented, the same on every server: the built-in Unicode collation from PostgreSQL 17 on,
-- ICU's root before, and the server's own where neither is there.
DO $do$
DECLARE
    rule text := CASE
        WHEN EXISTS (SELECT 1 FROM pg_collation WHERE collname = 'pg_c_utf8') THEN 'COLLATE "pg_c_utf8"'
        WHEN EXISTS (SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu') THEN 'COLLATE "und-x-icu"'
        ELSE '' END;
BEGIN
    EXECUTE format($f$
        CREATE OR REPLACE FUNCTION rapport_fold(value text) RETURNS text
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        AS $body$ SELECT lower(public.unaccent('public.unaccent', value) %s)::text COLLATE "C" $body$
    $f$, rule);
END $do$;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    run_before = [("accounts", "0001_initial"), ("records", "0001_initial"), ("customers", "0001_initial")]
    operations = [migrations.RunSQL(FOLD, migrations.RunSQL.noop)]
