"""The loop without a process that stays: entries for cron and systemd that run `afina loop --once`."""

import shlex
from pathlib import Path


def cron_entry(python: str, folder: Path) -> str:
    """A line for `crontab -e`: every ten minutes; one that finds another at work ends at once."""
    command = f"cd {shlex.quote(str(folder))} && mkdir -p .afina/logs && {shlex.quote(python)} -m afina loop --once >> .afina/logs/loop.log 2>&1"
    return f"*/10 * * * * {command}\n".replace("%", "\\%")  # cron takes a bare per cent sign for the end of the line


def systemd_units(python: str, folder: Path) -> str:
    """A service and a timer, with the file names that they want."""
    return f"""# ~/.config/systemd/user/afina-loop.service
[Unit]
Description=afina loop in {folder}

[Service]
Type=oneshot
WorkingDirectory={folder}
ExecStart="{python}" -m afina loop --once
Nice=10

# ~/.config/systemd/user/afina-loop.timer
[Unit]
Description=afina loop, every ten minutes

[Timer]
OnBootSec=2min
OnUnitInactiveSec=10min

[Install]
WantedBy=timers.target
"""
