"""Which examples must stand in the same part: one user's, one conversation's, and near copies of one another, transitively."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from afina.likeness import alike, near_pairs
from afina.records import Example
from afina.tasks import Task

LARGE, FEW = 0.05, 10
"""A group of a larger share of the rows, and of more than a few, is looked at: it is loosened where only a chain of near copies holds it
together."""
TIGHTER = (0.9, 1.0)
"""Likenesses that still hold a large group together, one after the other."""
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeGroup:
    """A group of more than `LARGE` of the rows, and what was done: near copies less alike than `tightened_to` no longer hold it
    together (0 = one user or conversation does, and it stays whole).
    """

    rows: int
    tightened_to: float
    largest_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Of every row the number of its group, and what was done with large ones."""

    of: tuple[int, ...]
    large: tuple[LargeGroup, ...] = ()


class Links:
    """Rows that hold together (union-find); a group is known by its first row."""

    def __init__(self, rows: int) -> None:
        self.above = list(range(rows))

    def root(self, row: int) -> int:
        """The first row of a row's group."""
        while self.above[row] != row:
            self.above[row] = self.above[self.above[row]]
            row = self.above[row]
        return row

    def join(self, pairs: Iterable[Pair]) -> None:
        """Each two rows are of one group from now on."""
        for one, other in pairs:
            a, b = self.root(one), self.root(other)
            self.above[max(a, b)] = min(a, b)

    def roots(self) -> list[int]:
        """Of every row the first one of its group."""
        return [self.root(row) for row in range(len(self.above))]


def names_of(example: Example) -> Iterator[str]:
    """What an example shares with others of its group: its user or other group, and its conversation."""
    yield example.group
    if example.origin.user:
        yield example.origin.user
    if example.origin.conversation:
        yield f"conversation {example.origin.conversation}"


def named_pairs(examples: Sequence[Example]) -> Iterator[Pair]:
    """Rows that share a user or a conversation, each with the first one."""
    first: dict[str, int] = {}
    for row, example in enumerate(examples):
        for name in names_of(example):
            yield first.setdefault(name, row), row


def copies_among(examples: Sequence[Example], task: Task, *, near: float) -> list[Pair]:
    """Pairs of examples whose texts have a Jaccard index of at least `near`."""
    return near_pairs([task.kind.compared(example)[0] for example in examples], threshold=near)


def group_rows(examples: Sequence[Example], task: Task, copies: Sequence[Pair]) -> Groups:
    """The groups of examples, of which these are near copies."""
    by_name = list(named_pairs(examples))
    links = Links(len(examples))
    links.join([*by_name, *copies])
    roots = links.roots()
    most = max(FEW, LARGE * len(examples))
    large = [root for root, rows in Counter(roots).items() if rows > most]
    if not large:
        return Groups(of=tuple(roots))
    return tightened(examples, task, roots, large=large, pairs=(by_name, copies))


def tightened(
    examples: Sequence[Example],
    task: Task,
    roots: list[int],
    *,
    large: Sequence[int],
    pairs: tuple[Sequence[Pair], Sequence[Pair]],
) -> Groups:
    """Large groups with fewer links between near copies, as few as are needed; links by name stay."""
    by_name, copies = pairs
    most = max(FEW, LARGE * len(examples))
    found = []
    for root in sorted(large):
        rows = [row for row, own in enumerate(roots) if own == root]
        inside = [pair for pair in copies if roots[pair[0]] == root]
        to, kept = 0.0, inside
        for likeness in TIGHTER if inside else ():
            texts = {row: task.kind.compared(examples[row])[0] for row in rows}
            kept = alike_pairs(inside, texts, likeness)
            links = Links(len(examples))
            links.join([*(pair for pair in by_name if roots[pair[0]] == root), *kept])
            sizes = Counter(links.root(row) for row in rows)
            if max(sizes.values()) < len(rows):
                to = likeness
                for row in rows:
                    roots[row] = links.root(row)
            if max(sizes.values()) <= most:
                break
        after = max(Counter(roots[row] for row in rows).values())
        found.append(LargeGroup(rows=len(rows), tightened_to=to, largest_after=after))
    return Groups(of=tuple(roots), large=tuple(found))


def alike_pairs(pairs: Sequence[Pair], texts: dict[int, str], likeness: float) -> list[Pair]:
    """The pairs whose texts are at least so much alike."""
    by_text = defaultdict(list)
    for pair in pairs:
        by_text[texts[pair[0]], texts[pair[1]]].append(pair)
    return [pair for (one, other), held in by_text.items() if alike(one, other) >= likeness for pair in held]
