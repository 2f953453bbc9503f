"""True and false claims, written as a user writes them, that judge the whole product from outside.

A true claim must never end REFUTED, CANDIDATE or ERROR; a false one never PROVED or HELD. Besides, each claim says which
verdicts it may have at all: the best one that can be asked for, and weaker ones only with a reason. Nothing here looks inside
the verifier: it calls `check` and reads the verdict. `python -m tests.truth` prints the counts.

How to add a claim
    Choose the topic in `claims/` (a new one needs its line in `claims.TOPICS` and a `test_….py` like its neighbours), and write

        @false(REFUTED)
        def spectral_norm_of_a_product_is_the_product():
            \"""P = [1 0], Q = [0; 1]: ‖PQ‖ = 0, ‖P‖‖Q‖ = 1.\"""
            return forall(P, Q, then=equal(spectral(P * Q), spectral(P) * spectral(Q)))

    The name says what is claimed, the docstring why it is true or the counterexample: a wrong label would destroy the value of
    the suite. After `@true(` or `@false(` stand the verdicts that may come out; every one but PROVED, HELD and REFUTED needs
    `because="…"`. Never weaken a claim because the verifier gets it wrong. No claim may be copied from `theorems/`.

    Claims that are false only far away (from size 7 on, at 17.3 ± 1e-6) are left out: no random search finds those.

Hostile names
    `hostile/` renames every symbol of some base claims: letters of the setting for other things, words of the verifier's own
    trees, keywords, quotes, emoji, one name for two objects. The verdict must be that of harmless names, or an ERROR that names
    the clash. A new base is a function of its names in `hostile/bases.py`; a new kind of names a line in `hostile/names.py`.
"""
