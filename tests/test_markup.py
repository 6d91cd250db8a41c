from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discourse.readers.markup import host_of, plain_text

MENTION = (
    '<span class="h-card"><a href="https://Social.example/@demo" class="u-url mention">@<span>demo</span></a></span>'
)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("a<p>b</p>c", "a\n\nb\n\nc"),
        ("<p>a<br>b<br/>c<BR />d</p>", "a\nb\nc\nd"),
        ("<p>a<br><br><br>b</p>", "a\n\n\nb"),
        ("<blockquote><p>a</p></blockquote><p>b</p>", "a\n\nb"),
        ("<ul><li>a</li><li>b</li></ul><p>c</p>", "a\nb\n\nc"),
        ("<div>a</div><pre>b</pre><h3>c</h3>d", "a\n\nb\n\nc\n\nd"),
        ("<b>a</b> <i>b</i><span> c</span>", "a b c"),
        ("  <p> a </p>  ", "a"),
        ("", ""),
    ],
)
def test_blocks_and_breaks(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("&amp;lt; &lt;b&gt; &quot;it&#39;s&quot;", '&lt; <b> "it\'s"'),
        ("ends in &amp", "ends in &"),
        ("&#1575;&#x645;&#1606;", "امن"),
        ("1 < 2 <3 R&D", "1 < 2 <3 R&D"),
        ("a <![b[ c", "a <![b[ c"),
        ("a<!-- note -->b", "ab"),
    ],
)
def test_escapes_are_undone_once(markup: str, text: str) -> None:
    assert plain_text(markup) == text


def test_hidden_parts_of_a_link_are_words() -> None:
    shown, hidden = '<span class="ellipsis">a.example/b</span>', '<span class="invisible">{}</span>'
    parts = hidden.format("https://") + shown + hidden.format("c")
    assert plain_text(f'see <a href="https://a.example/bc">{parts}</a>.') == "see https://a.example/bc."


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ('<p class="quote-inline">RE: <a href="https://a.example/1">a</a><br></p><p>words</p>', "words"),
        ('<p>words<span class="x quote-inline"><br><br/>RE: <span>a</span></span> more</p>', "words more"),
        ('<p class="quote-inline">RE: <a>a</a><p>words</p>', "RE: a\n\nwords"),
        ('<p class="quote">words</p>', "words"),
    ],
)
def test_the_link_to_what_is_quoted_goes_and_no_words_after_it(markup: str, text: str) -> None:
    assert plain_text(markup) == text


def test_a_mention_has_its_server_only_where_that_is_asked_for() -> None:
    assert plain_text(f"<p>{MENTION} peace</p>") == "@demo peace"
    assert plain_text(f"<p>{MENTION} peace</p>", servers=True) == "@demo@social.example peace"
    assert plain_text(f"{MENTION} {MENTION}", servers=True) == "@demo@social.example @demo@social.example"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ('<a href="https://a.example/tags/peace" class="mention hashtag">#<span>peace</span></a>', "#peace"),
        ('<a href="https://a.example/tags/peace" class="mention hashtag">@peace</a>', "@peace"),
        ('<a href="https://a.example/@demo" class="mention">@demo@b.example</a>', "@demo@b.example"),
        ('<a href="https://a.example/@demo" class="mention">the demo</a>', "the demo"),
        ('<a href="https://a.example/@demo">@demo</a>', "@demo"),
        ('<a class="mention">@demo</a>', "@demo"),
        ('<a href="/@demo" class="mention">@demo</a>', "@demo"),
        ('<a href="https://a.example/@demo" class="mention">@demo', "@demo"),
    ],
)
def test_what_is_no_mention_of_a_person_stays(markup: str, text: str) -> None:
    assert plain_text(markup, servers=True) == text


@pytest.mark.parametrize(
    ("link", "host"),
    [
        ("https://a.example/b", "a.example"),
        ("HTTP://A.Example", "a.example"),
        ("https://a.example:8080/b", "a.example"),
        ("https://a.example?b", "a.example"),
        ("https://demo@a.example/b", None),
        ("ftp://a.example/b", None),
        ("https:///b", None),
        ("https://[", None),
        ("a.example/b", None),
        ("", None),
        (None, None),
        (5, None),
        (["https://a.example/b"], None),
    ],
)
def test_the_server_of_a_link(link: object, host: str | None) -> None:
    assert host_of(link) == host


TAGS = st.sampled_from(
    ["<p>", "</p>", "<br>", "<li>", "</li>", "<![", "<!", "<?", "</", "&", '<p class="quote-inline">', "]]>"]
)


@given(st.lists(TAGS | st.text(max_size=5)).map("".join), st.booleans())
def test_nothing_makes_it_fail(markup: str, servers: bool) -> None:
    text = plain_text(markup, servers=servers)
    assert text == text.strip()


@given(st.lists(st.text("abc امن", min_size=1, max_size=8).filter(str.strip), min_size=1, max_size=5))
def test_each_paragraph_is_there_once_in_its_order(paragraphs: list[str]) -> None:
    markup = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    assert plain_text(markup) == "\n\n".join(paragraphs).strip()
