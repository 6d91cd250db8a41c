"""Posts and comments from Facebook's Graph API: its answer pages, whole or one on a line, and single objects.

Ids are those of the Graph API: page (or group) and post, `9100_9001`; a comment's is post and comment, `9001_9501`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from discourse.readers.records import Draft
from discourse.readers.values import Reason, from_epoch

__all__ = ["drafts", "looks_like"]

_NOTHING: Mapping[str, Any] = {}
_ID = re.compile(r"\d+_\d+", re.ASCII)
_NUMBER = re.compile(r"\d+", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", re.ASCII)
_ADDRESS = re.compile(r"https://graph\.facebook\.com/(?:v\d+\.\d+/)?([\w.]{1,128})/([a-z_]{1,40})", re.ASCII)
_PERMALINK = re.compile(r"facebook\.com/(groups/)?(\d+)/(?:posts|permalink|videos|photos)/(?:[^?#]*/)?(\d+)", re.ASCII)
_COMMENT = re.compile(r"[?&]comment_id=(\d+)", re.ASCII)
_ANSWER = re.compile(r"[?&]reply_comment_id=\d", re.ASCII)
_OTHERS = frozenset({"meta", "includes", "errors", "matching_rules", "__twarc"})  # of pages of X's API
_OWN_EDGES = frozenset({"posts", "published_posts"})
_EDGES = ("posts", "published_posts", "feed", "comments")
_OWN_STATUS = frozenset({"mobile_status_update", "added_photos", "added_video", "shared_story", "created_event"})
_PUBLIC = frozenset({"", "EVERYONE", "OPEN"})
_NO_PERSON = ("page", "group", "event", "application")
_CLINGS = re.compile(r"[\w.+\-/@＠·]")
_ONLY_COMMENTS = ("comment_count", "like_count", "parent")


class _Edge(NamedTuple):
    """The list a node stands in: its name in the API ("feed", "comments") and the id of what it hangs on."""

    name: str = ""
    of: Any = None


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a page of the Graph API with posts or comments, one of them, or its error.

    >>> post = {"id": "9100_9001", "created_time": "2025-05-07T10:00:00+0000", "message": "peace"}
    >>> looks_like(post), looks_like({"data": [post]}), looks_like({"data": [], "meta": {}})
    (True, True, False)
    """
    if "data" in record:
        return _OTHERS.isdisjoint(record) and _is_page(record)
    error = record.get("error")
    inner = any(_is_page(_mapping(record.get(name))) for name in _EDGES[:3])
    return _is_node(record) or inner or (isinstance(error, dict) and "fbtrace_id" in error)


def _is_page(page: Mapping[str, Any]) -> bool:
    data = page.get("data")
    if not isinstance(data, list):
        return False
    paged = isinstance(page.get("paging"), dict)
    if not data:
        return paged
    return any(isinstance(node, dict) and (_is_node(node) or (paged and "created_time" in node)) for node in data)


def _is_node(node: Mapping[str, Any]) -> bool:
    native, when = node.get("id"), node.get("created_time")
    return (
        isinstance(native, str)
        and _ID.fullmatch(native) is not None
        and (isinstance(when, int) or (isinstance(when, str) and _TIME.fullmatch(when) is not None))
    )


def drafts(record: Mapping[str, Any]) -> Iterator[Draft | Reason]:
    """The posts and comments of a page or of one object in its order, comments after what they are under.

    What is hidden, unpublished or shown to some only is set aside; an answer that reports an error is one row,
    an empty page none.

    >>> post = {"id": "9100_9001", "created_time": "2025-05-07T10:00:00+0000", "message": "peace",
    ...         "from": {"id": "9100", "name": "Demo"}, "shares": {"count": 2}}
    >>> [(draft.id, draft.author, draft.reposts, draft.likes) for draft in drafts({"data": [post], "paging": {}})]
    [('9100_9001', '9100', 2, None)]
    """
    waiting: list[tuple[Any, _Edge]] = [(record, _Edge())]
    while waiting:
        value, edge = waiting.pop()
        if not isinstance(value, dict):
            yield Reason.NOT_AN_OBJECT
            continue
        if isinstance(value.get("data"), list):
            waiting += [(node, edge if edge.name else _edge(value)) for node in reversed(value["data"])]
            continue
        inner = [(value[name], _Edge(name, value.get("id"))) for name in _EDGES if _has_data(value.get(name))]
        if "created_time" in value or not any(name in value for name in _EDGES[:3]):
            yield Reason.API_ERROR if "error" in value and "created_time" not in value else _draft(value, edge)
        waiting += reversed(inner)


def _has_data(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("data"), list)


def _edge(page: Mapping[str, Any]) -> _Edge:
    """What the addresses of the pages before and after say of this one."""
    paging = _mapping(page.get("paging"))
    for name in ("next", "previous"):
        address = paging.get(name)
        if isinstance(address, str) and (found := _ADDRESS.match(address)):
            return _Edge(found[2], found[1] if found[1].replace("_", "").isdigit() else None)
    return _Edge()


def _draft(node: Mapping[str, Any], edge: _Edge) -> Draft | Reason:
    if not _public(node):
        return Reason.NOT_PUBLIC
    when = node.get("created_time")
    when = from_epoch(when) if isinstance(when, int) else when
    if isinstance(when, Reason):
        return when
    link = node.get("permalink_url")
    link = link if isinstance(link, str) else ""
    is_comment = edge.name == "comments" or any(name in node for name in _ONLY_COMMENTS) or bool(_COMMENT.search(link))
    account = node.get("from")
    author = _page_itself(node, edge, link) if account is None and not is_comment else _mapping(account).get("id")
    likes = node.get("like_count") if is_comment else _total(node, "likes")
    replies = node.get("comment_count") if is_comment else None
    return Draft(
        platform="facebook",
        id=node.get("id"),
        author=author,
        created_at=when,
        text=_text(node),
        kind="reply" if is_comment else "original",
        handle=_mapping(account).get("username"),
        parent=_parent(node, edge, link) if is_comment else None,
        likes=_total(node, "like") if likes is None else likes,
        replies=_total(node, "comments") if replies is None else replies,
        reposts=_mapping(node.get("shares")).get("count"),
    )


def _public(node: Mapping[str, Any]) -> bool:
    if node.get("is_hidden") is True or node.get("is_private") is True or node.get("is_published") is False:
        return False
    value = _mapping(node.get("privacy")).get("value")
    return value is None or (isinstance(value, str) and value in _PUBLIC)


def _page_itself(node: Mapping[str, Any], edge: _Edge, link: str) -> str | None:
    """The page as the author of a post that names none, only where no visitor and no member can have written it.

    That is so in a page's list of its own posts. In a feed, visitors write too, and a group's id looks the
    same: there the permanent address must be under the page and the status one of those a page gets.
    """
    native = node.get("id")
    if not isinstance(native, str) or not _ID.fullmatch(native):
        return None
    page = native.partition("_")[0]
    if edge.name in _OWN_EDGES:
        return page
    found = _PERMALINK.search(link)
    status = node.get("status_type")
    own = isinstance(status, str) and status in _OWN_STATUS and "to" not in node
    return page if own and found is not None and not found[1] and found[2] == page else None


def _parent(node: Mapping[str, Any], edge: _Edge, link: str) -> Any:
    """The comment that is answered, else the post; by the post's whole id wherever the record has it."""
    parent = _mapping(node.get("parent")).get("id")
    found, comment = _PERMALINK.search(link), _COMMENT.search(link)
    if parent is None and found and comment and _ANSWER.search(link):
        parent = f"{found[3]}_{comment[1]}"
    if parent is None:
        parent = edge.of if edge.name == "comments" else None
    if parent is None and found:
        parent = f"{found[2]}_{found[3]}"
    native = node.get("id")
    if parent is None and isinstance(native, str) and _ID.fullmatch(native):
        parent = native.partition("_")[0]
    return parent


def _total(node: Mapping[str, Any], name: str) -> Any:
    return _mapping(_mapping(node.get(name)).get("summary")).get("total_count")


def _text(node: Mapping[str, Any]) -> Any:
    """The message; where it tags a person, whose name it then holds, an @ and the id in place of the name."""
    text = node.get("message")
    if not isinstance(text, str):
        return text
    for name, native in sorted(_people(node.get("message_tags")), key=lambda tag: -len(tag[0])):
        known = isinstance(native, str) and _NUMBER.fullmatch(native) is not None
        text = _tagged(text, name, f"@{native}" if known else "…")
    return text


def _people(tags: Any) -> Iterator[tuple[str, Any]]:
    """Names and ids of the people tagged; old versions of the API give lists by their place in the text."""
    groups = tags.values() if isinstance(tags, dict) else [tags]
    for tag in (tag for group in groups if isinstance(group, list) for tag in group):
        if isinstance(tag, dict) and tag.get("type") not in _NO_PERSON:
            name = tag.get("name")
            if isinstance(name, str) and name.strip():
                yield name, tag.get("id")


def _tagged(text: str, name: str, mention: str) -> str:
    """The mention in each place of the name, with room around it, so that it is seen as one and hidden later."""

    def put(found: re.Match[str]) -> str:
        before, after = text[: found.start()][-1:], text[found.end() :][:1]
        return f"{' ' if _CLINGS.match(before) else ''}{mention}{' ' if _CLINGS.match(after) else ''}"

    whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    return whole.sub(put, text) if whole.search(text) else re.sub(re.escape(name), put, text)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING
