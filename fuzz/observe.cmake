sealgate_fuzz_target(audit observe PkgConfig::JANSSON)
