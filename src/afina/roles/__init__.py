"""Role models of a software project: one folder a role, with its schema, prompts, rules, concepts and seeds. Opens no models."""

from afina.roles.checks import Checked, check_answer
from afina.roles.role import Read, Role, Seed, find_role, known_roles

__all__ = ["Checked", "Read", "Role", "Seed", "check_answer", "find_role", "known_roles"]
