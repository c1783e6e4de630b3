sealgate_unit_test(dns_answer dns)
sealgate_unit_test(dns_frame dns)
sealgate_unit_test(dns_query dns)
sealgate_unit_test(dns_gate_decision proxy)
