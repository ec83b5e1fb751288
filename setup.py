"""The message path as extension modules, if they are asked for: ``GZMTP_COMPILE=1 pip install .``

All else about the package is in setup.cfg. Without the variable nothing is compiled and nothing is
needed to build; with it, what cannot be compiled is left as it is (see gzmtp/_compiled.py).
"""

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from setuptools import Extension, setup

WANTED = os.environ.get("GZMTP_COMPILE", "0") not in ("", "0")
CYTHON = "cython >= 3.1, < 4"


def modules():
    """The list in gzmtp/_compiled.py, read without importing gzmtp, which needs gevent."""
    spec = spec_from_file_location("_compiled", Path(__file__).parent / "gzmtp" / "_compiled.py")
    sources = module_from_spec(spec)
    spec.loader.exec_module(sources)
    return sources.MODULES


def extensions():
    if not WANTED:
        return []
    try:
        from Cython.Build import cythonize
    except ImportError:  # setuptools asks for setup_requires first, and comes again with it
        return []
    made = cythonize(
        [
            Extension(f"gzmtp.{module}", [f"gzmtp/{module.replace('.', '/')}.py"])
            for module in modules()
        ],
        build_dir=f"build/cython-{sys.implementation.cache_tag}",  # several may build at once
        # Annotations stay what they are for Python: the .pxd files say what is what.
        compiler_directives={"language_level": 3, "annotation_typing": False},
    )
    for extension in made:
        extension.optional = True  # (cythonize forgets it)
    return made


setup(ext_modules=extensions(), setup_requires=[CYTHON] if WANTED else [])
