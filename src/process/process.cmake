# Files of their own so that their tests link nothing else.
sealgate_module(key_files
    SOURCES durable_file.c keyholder/key_files.c
    PUBLIC ca keyring
    PRIVATE descriptor)
sealgate_module(sandbox_mac
    SOURCES keyholder/sandbox_mac.c
    PUBLIC base policy)
sealgate_module(worker_views
    SOURCES worker/held_views.c
    PUBLIC messages)
sealgate_module(declared_values
    SOURCES supervisor/declared_values.c supervisor/secret_command.c
    PUBLIC config channel
    PRIVATE key_files observe)
sealgate_module(upstream_pem
    SOURCES supervisor/upstream_pem.c
    PUBLIC base PkgConfig::OPENSSL)
sealgate_module(upstream_files
    SOURCES supervisor/secret_file.c supervisor/upstream_files.c
    PUBLIC config channel
    PRIVATE descriptor observe proxy_answer upstream_pem)
sealgate_module(data_dir
    SOURCES supervisor/data_dir.c hardening.c supervisor/listeners.c
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
    SOURCES supervisor/audit_output.c child.c child_confine.c run/run.c run/run_prepare.c run/run_refusal.c run/run_start.c run/run_stores.c run/run_watch.c supervisor/configuration_file.c control/control_calls.c control/control_declaration.c
            control/control_process.c control/control_sandbox.c control/control_tls.c control/control_worker.c dialer/dialer.c dialer/dialer_lookup.c keyholder/keyholder.c keyholder/keyholder_calls.c
            keyholder/keyholder_tickets.c keyholder/keyholder_values.c keyholder/keyholder_worker.c supervisor/notify.c process.c shared_pages.c supervisor/spawn.c
            supervisor/supervisor.c supervisor/supervisor_child.c supervisor/supervisor_handover.c supervisor/supervisor_reload.c worker/trust_store.c
            worker/worker.c worker/worker_answers.c worker/worker_renewal.c worker/worker_request.c worker/worker_service.c worker/worker_upstream.c
    PUBLIC config channel
    PRIVATE confine data_dir declared_values descriptor dial key_files run_inside run_outcome sandbox_mac upstream_files
            upstream_pem worker_views observe
            proxy store control
            PkgConfig::LIBEVENT PkgConfig::OPENSSL)
