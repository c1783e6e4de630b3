sealgate_unit_test(h2_session http)
