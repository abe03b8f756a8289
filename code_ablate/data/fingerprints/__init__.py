"""What decides a result, as text: functions, objects and files, followed by content."""
