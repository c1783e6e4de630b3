sealgate_fuzz_target(host_pattern policy)
sealgate_fuzz_target(token policy)
sealgate_fuzz_target(view policy)
