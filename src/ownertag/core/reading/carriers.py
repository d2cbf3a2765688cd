"""The carriers of records: queue messages, notifications, log events, batches, output of the AWS CLI.

The table says by which key each is told and what it holds. A record's own keys are CloudTrail's, so that nobody whose
call was recorded can make it look like a carrier.
"""

from __future__ import annotations

from enum import Enum, auto

from msgspec import Struct

from ownertag.core.values import Reason


class Holds(Enum):
    """How a carrier holds what it carries."""

    MANY = auto()  # a list
    ONE = auto()  # an object
    TEXT = auto()  # JSON in a text
    PACKED = auto()  # base64, of gzip or not


class Carrier(Struct, frozen=True):
    """A carrier: the key by which it is told, which holds what it carries, and the name by which it is told of."""

    key: str
    name: str
    holds: Holds


#: Tried in this order. The shapes are those that AWS documents for each service and for its events to Lambda.
CARRIERS = (
    Carrier("Records", "log file", Holds.MANY),  # CloudTrail's own; Lambda's batches look alike: their items tell
    Carrier("logEvents", "CloudWatch Logs subscription", Holds.MANY),
    Carrier("awslogs", "CloudWatch Logs subscription", Holds.ONE),
    Carrier("events", "CloudWatch Logs answer", Holds.MANY),  # FilterLogEvents, GetLogEvents
    Carrier("results", "CloudWatch Logs Insights answer", Holds.MANY),
    Carrier("Messages", "SQS message", Holds.MANY),
    Carrier("Events", "LookupEvents answer", Holds.MANY),
    Carrier("records", "Firehose batch", Holds.MANY),
    Carrier("CloudTrailEvent", "LookupEvents answer", Holds.TEXT),
    Carrier("kinesis", "Kinesis record", Holds.ONE),
    Carrier("Sns", "SNS notification", Holds.ONE),
    Carrier("body", "SQS message", Holds.TEXT),
    Carrier("Body", "SQS message", Holds.TEXT),
    Carrier("Message", "SNS notification", Holds.TEXT),
    Carrier("message", "CloudWatch Logs event", Holds.TEXT),
    Carrier("@message", "CloudWatch Logs event", Holds.TEXT),
    Carrier("data", "Kinesis record", Holds.PACKED),
    Carrier("Data", "Kinesis record", Holds.PACKED),
)
#: What holds no record, though it lies or comes where records do: by its key, what it is and why it is left out.
OTHERS = (
    ("digestStartTime", Reason.DIGEST, "is a digest file of CloudTrail, which holds no records"),
    ("insightDetails", Reason.INSIGHT, "is an Insights event of CloudTrail, which tells of no single call"),
)
#: What only says where records lie: nothing of it is a record, and what it names has to be read itself.
NOTICES = (
    ("s3", "is S3's notice of an object, which holds no records: read the object"),
    ("s3ObjectKey", "is CloudTrail's notice of log files, which holds no records: read the files"),
    ("configurationItems", "is a snapshot of AWS Config, which holds no records"),
    ("ResultSet", "is an answer of Athena as JSON, which is not read: save it as CSV"),
    ("QueryResultRows", "is an answer of CloudTrail Lake, whose fields are no JSON, and is not read"),
    ("eventData", "is an event that CloudTrail Lake took in, and is not read: save its eventData"),
    ("eventversion", "is a row of Athena or CloudTrail Lake as JSON, which is not read: save it as CSV"),
    ("class_uid", "is an event of Security Lake (OCSF), and is not read: read the trail's log files"),
    ("requestPayload", "is what Lambda tells a destination, and is not read: save its requestPayload"),
    ("rawData", "is what Firehose could not deliver, and is not read: decode its rawData"),
    ("Entries", "is a request of PutEvents, which is no event of CloudTrail's"),
    ("hits", "is an answer of OpenSearch, and is not read: save each _source"),
)
