"""The log as the Django admin reads it: its rows by their own id, since the admin knows no keys of two columns."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('activity', '0004_delivery_order'),
    ]

    operations = [
        migrations.RunSQL("CREATE VIEW activity_log_line AS SELECT * FROM activity_log", "DROP VIEW activity_log_line"),
        migrations.CreateModel(
            name='LogLine',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(editable=False)),
                ('kind', models.CharField(choices=[('change', 'Change'), ('fact', 'Fact'), ('access', 'Access')], max_length=8)),
                ('action', models.CharField(max_length=80)),
                ('entity', models.CharField(blank=True, max_length=60)),
                ('entity_id', models.UUIDField(null=True)),
                ('table_name', models.CharField(blank=True, max_length=63)),
                ('changes', models.JSONField()),
                ('ip_address', models.GenericIPAddressField(null=True)),
                ('user_agent', models.CharField(blank=True, max_length=400)),
            ],
            options={
                'verbose_name': 'activity log line',
                'db_table': 'activity_log_line',
                'ordering': ['-id'],
                'managed': False,
            },
        ),
    ]
