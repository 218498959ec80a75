"""What must never be false of people: an administrator remains, and roles and teams make no circles.

The checks run at commit, one after the other (an advisory lock), so that two who act at the same moment cannot
both be right.
"""

from django.db import migrations

UP = """
CREATE FUNCTION rapport_one_admin_remains() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('rapport.one_admin'));
    IF NOT EXISTS (
        SELECT 1 FROM accounts_user u JOIN accounts_role r ON r.id = u.role_id WHERE u.is_active AND r.is_admin
    ) THEN
        RAISE EXCEPTION 'One active administrator must remain.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'user_one_admin_remains';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER user_one_admin_remains AFTER UPDATE OF role_id, is_active ON accounts_user
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.is_active AND (NOT NEW.is_active OR NEW.role_id <> OLD.role_id))
    EXECUTE FUNCTION rapport_one_admin_remains();
CREATE CONSTRAINT TRIGGER role_one_admin_remains AFTER UPDATE OF is_admin ON accounts_role
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.is_admin AND NOT NEW.is_admin)
    EXECUTE FUNCTION rapport_one_admin_remains();

CREATE FUNCTION rapport_admin_was_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('rapport.one_admin'));
    IF OLD.is_active
       AND EXISTS (SELECT 1 FROM accounts_role r WHERE r.id = OLD.role_id AND r.is_admin)
       AND NOT EXISTS (
           SELECT 1 FROM accounts_user u JOIN accounts_role r ON r.id = u.role_id WHERE u.is_active AND r.is_admin
       ) THEN
        RAISE EXCEPTION 'One active administrator must remain.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'user_one_admin_remains';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER user_admin_removed AFTER DELETE ON accounts_user
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rapport_admin_was_removed();

-- A tree by parent_id stays a tree. Argument: the constraint's name.
CREATE FUNCTION rapport_no_circle() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    above uuid := NEW.parent_id;
    steps int := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(TG_TABLE_NAME || '.tree'));
    WHILE above IS NOT NULL LOOP
        steps := steps + 1;
        IF above = NEW.id OR steps > 19 THEN
            RAISE EXCEPTION 'The tree of % must have no circle and at most 20 levels.', TG_TABLE_NAME
                USING ERRCODE = 'check_violation', CONSTRAINT = TG_ARGV[0];
        END IF;
        EXECUTE format('SELECT parent_id FROM %I WHERE id = $1', TG_TABLE_NAME) INTO above USING above;
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER team_no_circle BEFORE INSERT OR UPDATE OF parent_id ON accounts_team
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION rapport_no_circle('team_parent_no_circle');
CREATE TRIGGER role_no_circle BEFORE INSERT OR UPDATE OF parent_id ON accounts_role
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION rapport_no_circle('role_parent_no_circle');
"""

DOWN = """
DROP TRIGGER role_no_circle ON accounts_role;
DROP TRIGGER team_no_circle ON accounts_team;
DROP FUNCTION rapport_no_circle();
DROP TRIGGER user_admin_removed ON accounts_user;
DROP TRIGGER role_one_admin_remains ON accounts_role;
DROP TRIGGER user_one_admin_remains ON accounts_user;
DROP FUNCTION rapport_admin_was_removed();
DROP FUNCTION rapport_one_admin_remains();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_sign_in_links")]
    operations = [migrations.RunSQL(UP, DOWN)]
