"""A chat on a web page: the page (`page.html`) and what it posts. People are told apart by what their browser keeps."""

import hmac
from collections.abc import Mapping

from afina.channels.message import Access
from afina.channels.webhook import Webhook


class Web(Webhook):
    """See `Channel`. Nobody signs what a browser posts: whoever opens the page may write."""

    name = "web"

    def is_signed(self, raw: bytes, headers: Mapping[str, str], access: Access) -> bool:
        """A page is public once it is turned on; then its secret is a word that stands in the page's address, if one is set."""
        del raw
        return not access.secret or hmac.compare_digest(
            headers.get("x-afina-page", "").encode(), access.secret.encode()
        )
