"""The loop without a process that stays: entries for cron and systemd that run `afina loop --once`."""

import shlex
from pathlib import Path


def cron_entry(python: str, folder: Path) -> str:
    """A line for `crontab -e`: every ten minutes; one that finds another at work ends at once."""
    # Linux weighs a cron job by its session: who is served on this machine goes first.
    polite = "(echo 19 > /proc/self/autogroup) 2>/dev/null"
    idle = "$(command -v chrt >/dev/null && echo chrt -i 0 || echo nice -n 19)"
    command = f"{idle} {shlex.quote(python)} -m afina loop --once >> .afina/logs/loop.log 2>&1"
    command = f"{polite}; cd {shlex.quote(str(folder))} && mkdir -p .afina/logs && {command}"
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
# Who is served on this machine goes first.
Nice=19
CPUSchedulingPolicy=idle
CPUWeight=idle

# ~/.config/systemd/user/afina-loop.timer
[Unit]
Description=afina loop, every ten minutes

[Timer]
OnBootSec=2min
OnUnitInactiveSec=10min

[Install]
WantedBy=timers.target
"""
