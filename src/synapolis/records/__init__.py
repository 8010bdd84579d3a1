"""The one SQL store: typed tables, migrations and the hash-chained journal."""
