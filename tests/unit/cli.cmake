sealgate_unit_test(shell_quote cli)
sealgate_unit_test(audit_since cli)
sealgate_unit_test(command cli)
sealgate_unit_test(commands cli PkgConfig::JANSSON)
