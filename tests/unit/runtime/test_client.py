"""A client of a worker."""

from dataclasses import replace

import pytest

from afina.runtime import Drawn
from afina.runtime.client import Completion, RefusedError, penalty, require_bound


def test_how_an_answer_is_drawn_in_llama_cpps_words() -> None:
    """What is not asked for is not said: other servers refuse keys that they do not know."""
    assert penalty(Drawn(0.7, 0)) == {}
    assert penalty(Drawn(0.7, 0, repeat_penalty=1.15)) == {"repeat_penalty": 1.15, "repeat_last_n": 256}
    assert penalty(Drawn(0.7, 0, dry=0.8)) == {
        "dry_multiplier": 0.8,
        "dry_allowed_length": 12,
        "dry_penalty_last_n": 1024,
    }
    assert penalty(Drawn(0.7, 0, as_shipped=True)) == {"top_p": 0.9, "top_k": 40, "min_p": 0.0}


def test_an_answer_that_nothing_bound_is_refused() -> None:
    """The engine says in its log alone that it did not take a schema; an answer that was cut off may be half a document."""
    answer = Completion(text="Here is: {", tokens_in=1, tokens_out=9, milliseconds=1)
    with pytest.raises(RefusedError, match="nothing bound its answer") as caught:
        require_bound(answer)
    assert "plainer patterns" in caught.value.remedy
    require_bound(replace(answer, cut=True))
    require_bound(replace(answer, text="null"))


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_yaml_is_an_answer_only_where_it_binds(form: str) -> None:
    """A sentence with a colon is YAML too: under a grammar of JSON it means that nothing bound it."""
    answer = Completion(text="Concept: a shop", tokens_in=1, tokens_out=9, milliseconds=1)
    if form == "yaml":
        require_bound(answer, form)
    else:
        with pytest.raises(RefusedError, match="nothing bound its answer"):
            require_bound(answer, form)
