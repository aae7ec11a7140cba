"""The airspeed-velocity suite of fastconv: one file per family, see docs/dev/benchmarking.rst.

Shapes are layers and signals of the literature; each is named where it stands. Every public function that
computes has at least one benchmark.
"""
