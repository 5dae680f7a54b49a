"""Where the library touches the world (适配器): so far, a rehearsal."""

from __future__ import annotations

from wxengage.adapters.dryrun import DryRun, dry_run

__all__ = ["DryRun", "dry_run"]
