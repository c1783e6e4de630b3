sealgate_fuzz_target(socks5 proxy)
