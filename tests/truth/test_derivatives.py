from .claims import derivatives
from .judging import both_tests

test_no_claim_is_judged_wrongly, test_every_claim_ends_as_it_should = both_tests(derivatives)
