sealgate_unit_test(config config)
