"""The type of a JSON value that is carried along without being decoded, or is not there."""

from typing import TYPE_CHECKING, TypeAlias

import msgspec

# msgspec decodes nothing but null into a union of Raw and None. A field of the bare type whose
# default is None does what is meant, as long as the struct omits its defaults.
if TYPE_CHECKING:
    RawOrNone: TypeAlias = msgspec.Raw | None
else:
    RawOrNone = msgspec.Raw
