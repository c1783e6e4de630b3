/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands as it is: whole, and enough for help and manual pages. */
#include "cli/commands.h"

#include "cli/api.h"
#include "cli/help.h"
#include "process/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The table points to these; no test runs them. */
int process_serve(const struct process_serve_options *options)
{
    (void)options;
    abort();
}

int process_run(const struct process_run_options *options)
{
    (void)options;
    abort();
}

int process_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    abort();
}

static void for_each(const struct cli_command *command, void (*visit)(const struct cli_command *))
{
    visit(command);
    for (const struct cli_command *child = command->children; child != NULL && child->name != NULL;
         child++)
        for_each(child, visit);
}

static void check_shape(const struct cli_command *command)
{
    assert_non_null(command->summary);
    assert_int_not_equal(command->run != NULL, command->children != NULL);
    assert_true(command->arguments_min <= command->arguments_max);
    if (command->arguments_max > 0)
        assert_non_null(command->arguments);
    for (size_t i = 0; i < command->option_count; i++)
        assert_non_null(command->options[i].help);
}

static void every_command_has_a_summary_and_something_to_do(void **state)
{
    (void)state;
    for_each(&commands_root, check_shape);
}

static const char *option_name(const struct cli_command *command, size_t index)
{
    return index < command->option_count
               ? command->options[index].name
               : command_global_options[index - command->option_count].name;
}

static void check_options(const struct cli_command *command)
{
    size_t total = command->option_count + command_global_option_count;

    assert_true(total <= 64);
    for (size_t i = 0; i < total; i++) {
        for (size_t j = i + 1; j < total; j++) {
            if (strcmp(option_name(command, i), option_name(command, j)) == 0)
                fail_msg("%s has --%s twice", command->name, option_name(command, i));
        }
    }
}

static void no_option_means_two_things(void **state)
{
    (void)state;
    for_each(&commands_root, check_options);
}

static char *printed(void (*print)(FILE *, const struct cli_command *, const char *),
                     const struct cli_command *command)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    print(out, command, "sealgate x");
    fclose(out);
    return text;
}

static void check_texts(const struct cli_command *command)
{
    char *help = printed(help_print, command);
    char *manual = printed(help_print_manual, command);

    assert_non_null(strstr(help, "Usage: sealgate x"));
    assert_non_null(strstr(help, command->summary + 1)); /* the first letter is a capital */
    assert_non_null(strstr(manual, ".TH \"sealgate\\-x\" 1"));
    for (size_t i = 0; i < command->option_count; i++)
        assert_non_null(strstr(help, command->options[i].help));
    free(help);
    free(manual);
}

static void help_and_manual_name_everything(void **state)
{
    (void)state;
    for_each(&commands_root, check_texts);
}

static void the_contract_s_commands_are_there(void **state)
{
    static const char *const lines[][2] = {
        {"serve"},
        {"run"},
        {"store", "create"},
        {"store", "list"},
        {"store", "show"},
        {"store", "update"},
        {"store", "delete"},
        {"secret", "set"},
        {"secret", "list"},
        {"secret", "delete"},
        {"sandbox", "create"},
        {"sandbox", "list"},
        {"sandbox", "show"},
        {"sandbox", "env"},
        {"sandbox", "fork"},
        {"sandbox", "delete"},
        {"allowed-hosts"},
        {"explain"},
        {"seal"},
        {"ca", "show"},
        {"ca", "export"},
        {"ca", "rotate"},
        {"keys", "show"},
        {"keys", "rotate"},
        {"org", "create"},
        {"org", "list"},
        {"api-key", "create"},
        {"api-key", "list"},
        {"api-key", "revoke"},
        {"audit", "tail"},
        {"audit", "search"},
        {"check-config"},
        {"doctor"},
        {"version"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        const struct cli_command *command = command_find(&commands_root, lines[i][0]);

        assert_non_null(command);
        if (lines[i][1] != NULL)
            assert_non_null(command_find(command, lines[i][1]));
    }
}

static void a_path_is_escaped_segment_by_segment(void **state)
{
    struct api_path path = api_path("secret-stores", "a/b ?#%\xc3\xa4", "x", NULL);

    (void)state;
    api_path_add(&path, "url", "https://a.test/?b=c&d");
    api_path_add(&path, "none", NULL);
    api_path_add(&path, "all", "true");
    assert_string_equal(path.text, "/api/secret-stores/a%2Fb%20%3F%23%25%C3%A4/x"
                                   "?url=https%3A%2F%2Fa.test%2F%3Fb%3Dc%26d&all=true");
    assert_false(path.is_cut);
}

static void a_path_that_does_not_fit_says_so(void **state)
{
    static char long_text[API_PATH_MAX + 1];

    (void)state;
    memset(long_text, 'a', API_PATH_MAX);
    const struct api_path path = api_path(long_text, NULL);
    assert_true(path.is_cut);
}

static void lists_and_maps_come_from_repeated_options(void **state)
{
    static const struct cli_option hosts = {"hosts", "H", ""}, env = {"env", "E", ""};
    const struct cli cli = {
        .values = {{&hosts, "a.test, b.test"}, {&hosts, "c.test"}, {&env, "A=1=2"}, {&env, "B="}},
        .value_count = 4};
    const struct cli empty = {.values = {{&hosts, ""}}, .value_count = 1};
    json_t *body = json_object();

    (void)state;
    api_set_list(body, "hosts", &cli, "hosts");
    api_set_map(body, "envs", &cli, "env");
    char *text = json_dumps(body, JSON_COMPACT);
    assert_string_equal(text, "{\"hosts\":[\"a.test\",\"b.test\",\"c.test\"],"
                              "\"envs\":{\"A\":\"1=2\",\"B\":\"\"}}");
    free(text);
    api_set_list(body, "hosts", &empty, "hosts");
    assert_int_equal(json_array_size(json_object_get(body, "hosts")), 0);
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_has_a_summary_and_something_to_do),
        cmocka_unit_test(no_option_means_two_things),
        cmocka_unit_test(help_and_manual_name_everything),
        cmocka_unit_test(the_contract_s_commands_are_there),
        cmocka_unit_test(a_path_is_escaped_segment_by_segment),
        cmocka_unit_test(a_path_that_does_not_fit_says_so),
        cmocka_unit_test(lists_and_maps_come_from_repeated_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
