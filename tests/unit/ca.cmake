sealgate_unit_test(ca ca)
sealgate_unit_test(leaf_cache ca)
