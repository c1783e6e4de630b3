# Files of their own so that their tests link nothing else.
sealgate_module(key_files
    SOURCES durable_file.c key_files.c
    PUBLIC ca keyring
    PRIVATE descriptor)
sealgate_module(sandbox_mac
    SOURCES sandbox_mac.c
    PUBLIC base policy)
sealgate_module(worker_views
    SOURCES held_views.c
    PUBLIC messages)
sealgate_module(declared_values
    SOURCES declared_values.c secret_command.c
    PUBLIC config channel
    PRIVATE key_files observe)
sealgate_module(upstream_pem
    SOURCES upstream_pem.c
    PUBLIC base PkgConfig::OPENSSL)
sealgate_module(upstream_files
    SOURCES secret_file.c upstream_files.c
    PUBLIC config channel
    PRIVATE descriptor observe proxy_answer upstream_pem)
sealgate_module(data_dir
    SOURCES data_dir.c hardening.c listeners.c
    PUBLIC config messages
    PRIVATE confine observe)
sealgate_module(confine
    SOURCES confine.c confine_rules.c landlock.c
    PUBLIC messages
    PRIVATE PkgConfig::SECCOMP)
# The runtime of a sanitizer asks the kernel for more than we do.
if(SEALGATE_SANITIZE)
    target_compile_definitions(confine PUBLIC IS_SANITIZED=1)
else()
    target_compile_definitions(confine PUBLIC IS_SANITIZED=0)
endif()
# The processes themselves: everything comes together here.
sealgate_module(process
    SOURCES audit_output.c child.c child_confine.c run.c run_prepare.c run_refusal.c run_start.c run_stores.c run_watch.c configuration_file.c control_calls.c control_declaration.c
            control_process.c control_sandbox.c control_tls.c control_worker.c dialer.c dialer_lookup.c keyholder.c keyholder_calls.c
            keyholder_tickets.c keyholder_values.c keyholder_worker.c notify.c process.c shared_pages.c spawn.c
            supervisor.c supervisor_child.c supervisor_handover.c supervisor_reload.c trust_store.c
            worker.c worker_answers.c worker_renewal.c worker_request.c worker_service.c worker_upstream.c
    PUBLIC config channel
    PRIVATE confine data_dir declared_values descriptor dial key_files run_inside run_outcome sandbox_mac upstream_files
            upstream_pem worker_views observe
            proxy store control
            PkgConfig::LIBEVENT PkgConfig::OPENSSL)
