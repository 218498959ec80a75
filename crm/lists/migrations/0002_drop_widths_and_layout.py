from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("lists", "0001_initial")]

    operations = [
        migrations.RemoveField(model_name="savedview", name="layout"),
        migrations.RemoveField(model_name="savedview", name="widths"),
    ]
