"""Layer-style transposed convolution."""

from .. import _run
from ._doc import by_rank


def _make_conv_transpose(rank):
    def conv_transpose(x, w, bias=None, *, stride=1, padding=0, output_padding=0, dilation=1,
                       groups=1, flip=False, layout="channels_first", activation=None, out=None,
                       dtype=None, casting="same_kind", backend="auto"):  # fmt: skip
        """Transposed convolution (the input gradient of a convolution), as an enlarging layer.

        ``out[n, k, i * stride - before + t * dilation] += x[n, c, i] * w[c, k, t]``, then bias and
        activation. Along each axis the result has ``(size - 1) * stride - before - after +
        (k - 1) * dilation + 1 + output_padding`` samples. It is computed as ``stride**{rank}`` small
        convolutions on x itself; no zeros are inserted.

        Parameters
        ----------
        x : array_like
            Samples, shape ``(N, C, {sizes})`` or ``(C, {sizes})``; channels last with ``layout``.
        w : array_like
            Filters, shape ``(C, K/groups, {kernels})``: the weights of the convolution that this
            transposes.
        bias : array_like, optional
            One value per output channel, shape ``(K,)``.
        stride : int or sequence of int
            Output samples between the windows of neighbouring inputs.
        padding : int, sequence of int, sequence of (int, int), or str
            Samples cropped from the full result, as in ``conv{rank}d``; negative numbers enlarge it.
            ``"valid"``: none; ``"same"`` / ``"same_lower"``: ``size * stride`` samples remain.
        output_padding : int or sequence of int
            Further samples at the end of each axis, fewer than stride or dilation.
        dilation, groups, flip, layout, activation
            As in ``conv{rank}d``.
        {common}

        Returns
        -------
        ndarray
            Shape ``(N, K, {outs})``, in the layout of x.

        {raises}

        References
        ----------
        .. [1] M. Zeiler et al., "Deconvolutional networks", CVPR 2010, doi:10.1109/CVPR.2010.5539957.

        Examples
        --------
        >>> import numpy as np, fastconv
        >>> fastconv.conv_transpose1d(np.array([[1.0, 2.0]]), np.ones((1, 1, 3)), stride=2)
        array([[1., 1., 3., 2., 2.]])
        """
        keywords = (rank, stride, padding, dilation, groups, "zeros", flip, layout, activation, output_padding,
                    True, 1, dtype, casting, backend, None, "default")  # fmt: skip
        return _run.layer(keywords, x, w, bias, out)  # a Spec costs more than finding the call again

    return conv_transpose


conv_transpose1d, conv_transpose2d, conv_transpose3d = by_rank("conv_transpose{}d", _make_conv_transpose)
