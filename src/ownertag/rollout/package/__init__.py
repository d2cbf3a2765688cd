"""The zip that Lambda runs: `python -m ownertag.rollout.package`.

    __main__.py   the command: its options, and what it prints
    targets.py    the machines and interpreters that there are packages for
    build.py      dependencies, own modules, settings and bytecode, put together and zipped
    modules.py    the modules of ownertag that the function runs
    models.py     botocore's models cut to the calls that the function makes
    archive.py    a folder as a zip with the same bytes each time

It needs pip, and the package index or a folder of wheels; AWS is not touched.
"""
