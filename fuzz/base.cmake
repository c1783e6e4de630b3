sealgate_fuzz_target(host_name base)
