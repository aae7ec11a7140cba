"""fastconv.signal and fastconv.ndimage: the cases of ``python -m fastconv bench signal``."""

from fastconv import _bench_signal_cases as cases

DROP_IN = {case.name: case for case in cases.CASES if case.family in ("ndimage", "filter")}


class DropIn:
    """One call; a function that this version lacks is not applicable."""

    params = (tuple(DROP_IN),)
    param_names = ("case",)

    def setup(self, case):
        call, _ = DROP_IN[case].make()
        try:
            function = call.find()
        except cases.Missing as why:
            raise NotImplementedError(str(why)) from None
        self.call = lambda: function(*call.arguments, **call.keywords)
        self.call()

    def time_call(self, case):
        self.call()
