"""CloudTrail's log files, in a folder or an S3 bucket, as records.

keys      what a name says: kind of file, account, Region, time of delivery; what need not be read
folder    lists and opens files
bucket    lists and fetches objects
inflate   gzip to bytes, in parts; what is damaged, a bomb or goes on after its end
records   bytes to the records that are wanted; the rest is not decoded
reading   one object after the other, with the next ones on their way
worker    a process that reads
scan      starts a process per core, hands out objects, yields arrivals, and counts
"""
