"""Framing and polarization in the public talk of two countries in conflict.

The public names are listed in `__init__.pyi` and loaded when they are first used, so that importing the
package costs nothing.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
