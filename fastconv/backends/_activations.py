"""fc_activation: the order is that of ``_core/kernels/fc_kernels.h``."""

CODES = (None, "relu", "relu6", "leaky_relu", "silu", "gelu", "sigmoid", "tanh")
