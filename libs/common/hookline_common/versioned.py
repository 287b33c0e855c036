"""The version of the format that a message is written in.

Additions need none (a new field has a default, and a reader ignores what it does not know): the
version rises only where an older reader would misunderstand the message. Such a reader refuses it,
so that it waits among the dead letters until the service is upgraded, instead of being half done.
"""

import msgspec

from hookline_common.errors import Undecodable

MESSAGE_VERSION = 1
"""The newest version that this Hookline reads."""


class Versioned(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Base of what is written as JSON to a topic; without a `v` it is version 1."""

    v: int = 1


def check_version(message: Versioned) -> None:
    """Raises Undecodable, which is poison, for a message of a newer version."""
    if message.v > MESSAGE_VERSION:
        raise Undecodable(
            f"the message was written by a newer Hookline (version {message.v}, this one reads"
            f" {MESSAGE_VERSION}): upgrade this service, then redrive it"
        )
