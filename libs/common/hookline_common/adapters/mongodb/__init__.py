"""The adapter of the document store to MongoDB, over motor; nothing else imports motor.

What our tests cannot show, because they run on a test double of the wire protocol: majority
writes and reads across a failover, and MongoDB's own limits of storage. The adapter asks for the
safe settings and refuses a URL that says otherwise (protocols.md C1).
"""

from hookline_common.adapters.mongodb.store import MongoDocuments

__all__ = ["MongoDocuments"]
