"""The mined route: functions of installed packages become problems, each with its licence."""
