"""What stands behind ``fastconv.signal``, ``fastconv.ndimage`` and ``fastconv.patch``.

Every function here takes the arguments of SciPy's namesake and returns the result, or None where it
does not know better than SciPy: other array libraries, object arrays, unusual or wrong arguments.  The
public function then calls SciPy's own, so that errors and warnings are SciPy's by construction.
"""
