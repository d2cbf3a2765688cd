"""The state of runs that take long, one SQLite file for each: what is done is done once, whenever the run is ended.

schema   the tables
file     opens a file, for one process at a time
values   what is kept
backfill what a backfill has found, decided, ordered and written
"""
