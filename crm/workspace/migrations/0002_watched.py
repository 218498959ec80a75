from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("workspace", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="workspace",
            name="watched",
            field=models.JSONField(blank=True, default=list, verbose_name="kinds of records whose views are noted"),
        ),
    ]
