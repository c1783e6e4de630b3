sealgate_fuzz_target(config config)
