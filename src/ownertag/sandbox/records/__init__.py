"""Records as CloudTrail writes them, from the bytes of a call and of its answer.

    documented.toml   what AWS's documentation and real records say beyond the rules
    wrapped.toml      the calls of EC2 whose records are of the wrapped form
    documented.py     reads both
    models.py         botocore's models of the services, found by the name that a call is signed for
    routes.py         which operation of a REST service a request is, and what its address says
    operations.py     which operation a call of any protocol is, and whether CloudTrail records it
    requests.py       the parameters of a call: query, EC2, json, rest-json, rest-xml and smithy-rpc-v2-cbor
    written.py        requests and answers in the form that most services' records have
    ec2.py            the two forms that EC2's records have
    s3.py             the form that S3's requests have
    parts.py          the parts of a record that a call and its answer say

Nothing here knows what ownertag makes of a record: a lint forbids it to import the catalogue and what matches by it.
"""
