"""Who tunes, by the settings. Loads torch."""

import os

from afina.errors import SettingsError
from afina.flows.finetune import Provider
from afina.flows.hosted_finetune import HostedProvider
from afina.flows.local_finetune import LocalProvider
from afina.flows.project import Project
from afina.jobs import defer_finetune


def provider_of(project: Project) -> Provider:
    """This machine, or the service that the settings name.

    Raises:
        SettingsError: its key is not in the environment.
    """
    settings = project.settings.provider
    if settings.kind == "local":
        return LocalProvider(project, lambda run: defer_finetune(project.dsn, client=project.client, run=run))
    if settings.key_env and not os.environ.get(settings.key_env):
        raise SettingsError(
            f"provider.key_env: there is no {settings.key_env} in the environment",
            remedy=f"export {settings.key_env}=…",
        )
    return HostedProvider(project, settings, os.environ.get(settings.key_env, "") if settings.key_env else "")
