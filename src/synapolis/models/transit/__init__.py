"""Transit and walking: connections, scans, access, and edits of the timetable."""
