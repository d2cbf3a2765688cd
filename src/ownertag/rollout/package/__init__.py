"""The zip that Lambda runs: `ownertag package` builds it, and `ownertag deploy` where none is named.

    targets.py    the machines and interpreters that there are packages for
    function.txt  the lock: what the function needs, with hashes
    wheels.py     the locked dependencies, from the package index or a folder
    build.py      dependencies, own modules, licences, settings and bytecode, put together and zipped
    modules.py    the modules of ownertag that the function runs
    models.py     botocore's models cut to the calls that the function makes
    archive.py    a folder as a zip with the same bytes each time
    cache.py      the package of this ownertag, built once and kept for its user

It needs pip, and the package index or a folder of wheels; AWS is not touched.
"""
