import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.kernels.curves import compress, logistic
from serving.linear import compress as compress_all
from serving.prediction import sigmoid


@given(x=st.floats())
def test_a_value_is_compressed_as_numpy_does_it(x: float) -> None:
    np.testing.assert_allclose(compress(x), compress_all(np.array(x)), rtol=1e-15, atol=0)


@given(x=st.floats(allow_nan=True, allow_infinity=True))
def test_the_logistic_curve_is_that_of_numpy(x: float) -> None:
    np.testing.assert_allclose(logistic(x), sigmoid(np.array(x)), rtol=0, atol=1e-15)
