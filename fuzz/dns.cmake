sealgate_fuzz_target(dns dns)
