sealgate_unit_test(audit observe PkgConfig::JANSSON)
sealgate_unit_test(audit_writer observe)
sealgate_unit_test(log observe)
sealgate_unit_test(metrics observe)
