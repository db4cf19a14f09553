"""How near a reply is to a reference, and how much of it a given text supports. All from 0 to 1, higher is better.

None of these sees meaning: `docs/reference/metrics.md` prints how each agrees with people.
"""

from collections import Counter

from rapidfuzz.distance import LCSseq
from sacrebleu.metrics.chrf import CHRF

from afina.records import EvalItem
from afina.sameness import answer_key, words

CHARACTERS = CHRF()
CHARACTERS_AND_WORDS = CHRF(word_order=2)


def exact(item: EvalItem, reply: str) -> float:
    """1 when the reply is the reference; white space, case, the form of quotes and a full stop at the end aside.

    Signs, emoji, accents and question marks count. Silence is never right.
    """
    said = answer_key(reply)
    return float(bool(said) and said == answer_key(item.expected))


def token_f1(item: EvalItem, reply: str) -> float:
    """Harmonic mean of precision and recall over words, order aside (SQuAD's F1, Rajpurkar 2016)."""
    ours, theirs = words_or_text(reply), words_or_text(item.expected)
    return harmonic((Counter(ours) & Counter(theirs)).total(), len(ours), len(theirs))


def rouge_l(item: EvalItem, reply: str) -> float:
    """F-score of the longest common subsequence of words (ROUGE-L with β = 1, Lin 2004); by rapidfuzz.

    Google's `rouge-score` splits at every letter outside a–z, which breaks Spanish words at their accents.
    """
    ours, theirs = words_or_text(reply), words_or_text(item.expected)
    return harmonic(LCSseq.similarity(ours, theirs), len(ours), len(theirs))


def words_or_text(text: str) -> list[str]:
    """The words of a text; of one that has none, such as `?!`, the text itself."""
    return words(text) or [key for key in [answer_key(text)] if key]


def harmonic(common: int, ours: int, theirs: int) -> float:
    """F1 of a number of common words; 0 when there are none."""
    return 2 * common / (ours + theirs) if ours + theirs else 0.0


def chrf(item: EvalItem, reply: str) -> float:
    """F-score of character 1- to 6-grams, β = 2 (Popović 2015), by sacrebleu. Endings and typing count for what they are."""
    return float(CHARACTERS.sentence_score(reply, [item.expected]).score) / 100


def chrf_words(item: EvalItem, reply: str) -> float:
    """chrF++: characters and word 1- and 2-grams (Popović 2017), by sacrebleu."""
    return float(CHARACTERS_AND_WORDS.sentence_score(reply, [item.expected]).score) / 100


def length_ratio(item: EvalItem, reply: str) -> float:
    """The shorter of reply and reference over the longer, in words."""
    ours, theirs = len(words(reply)), len(words(item.expected))
    return min(ours, theirs) / max(ours, theirs) if ours and theirs else 0.0


def grounded(item: EvalItem, reply: str) -> float:
    """Share of the reply's words that occur in the given text: K-precision (Adlakha et al. 2023). An empty reply has 0.

    Words, not claims: a reply that turns a sentence of the text round still scores high.
    """
    known = set(words(item.context))
    said = words(reply)
    return sum(word in known for word in said) / len(said) if said else 0.0
