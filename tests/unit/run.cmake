sealgate_unit_test(run_server run_outcome)
sealgate_unit_test(run_summary run_outcome)
sealgate_unit_test(run_environment run_outcome PkgConfig::LIBEVENT PkgConfig::SODIUM)
sealgate_unit_test(run_link run_inside)
