sealgate_unit_test(sealed_value seal)
sealgate_unit_test(keyring keyring)
