"""The number on the bell is kept by the database, so that no page counts."""

from django.db import migrations

SQL = """
CREATE FUNCTION notifications_count_unread() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    step integer := 0;
    who uuid;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        who := NEW.user_id;
        IF NEW.read_at IS NULL THEN step := step + 1; END IF;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        who := coalesce(who, OLD.user_id);
        IF OLD.read_at IS NULL THEN step := step - 1; END IF;
    END IF;
    IF step > 0 THEN
        INSERT INTO notifications_unreadcount AS known (user_id, count) VALUES (who, step)
        ON CONFLICT (user_id) DO UPDATE SET count = known.count + step;
    ELSIF step < 0 THEN
        UPDATE notifications_unreadcount SET count = greatest(0, count + step) WHERE user_id = who;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER notification_count_unread AFTER INSERT OR DELETE OR UPDATE OF read_at
    ON notifications_notification FOR EACH ROW EXECUTE FUNCTION notifications_count_unread();
"""


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial")]
    operations = [migrations.RunSQL(SQL, "DROP FUNCTION notifications_count_unread() CASCADE")]
