"""A deployment of any size as AWS would describe it, with faults in it: prepared answers, from a process of its own.

documents.py    what is deployed, rendered, and the faults in it
answers.py      a call -> the answer, in the form of its service
endpoint.py     serves them on 127.0.0.1, each after the same delay, and counts the calls by API
"""
