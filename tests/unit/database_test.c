/* SPDX-License-Identifier: Apache-2.0 */
/* The SQL interface, with SQLite behind it. */

#include "store/database.h"

#include "base/buffer.h"
#include "store_fixture.h"

#include <sys/stat.h>

struct place {
    struct fixture fixture;
    struct database *database;
};

static int open_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    fixture_make_folder(&place->fixture);
    assert_ok(database_open(SLICE("sqlite"), TEXT(place->fixture.folder), NULL, &place->database));
    assert_ok(database_script(place->database, "CREATE TABLE parents (id BIGINT PRIMARY KEY);"
                                               "CREATE TABLE things (id BIGINT PRIMARY KEY,"
                                               " text TEXT, bytes BYTEA,"
                                               " parent BIGINT REFERENCES parents (id));"));
    *state = place;
    return 0;
}

static int close_place(void **state)
{
    struct place *place = *state;
    database_close(place->database);
    fixture_remove_folder(&place->fixture);
    free(place);
    return 0;
}

static struct database *database_of(void **state)
{
    return ((struct place *)*state)->database;
}

static enum error insert(struct database *database, int64_t id)
{
    return database_run(database, "INSERT INTO things (id) VALUES (?1)", SQL_WITH(SQL_INTEGER(id)));
}

static int64_t count(struct database *database)
{
    OWNED_STRUCT(rows) *rows = NULL;
    assert_ok(database_query(database, "SELECT COUNT(*) FROM things", SQL_NOTHING, &rows));
    assert_ok(rows_first(rows));
    return rows_integer(rows, 0);
}

static void values_read_back_as_they_were(void **state)
{
    struct database *database = database_of(state);
    struct slice text = SLICE("it's; \xc3\xa4\0 --"), bytes = SLICE("\0\xff\x80");
    assert_ok(database_run(
        database, "INSERT INTO things (id, text, bytes) VALUES (?1, ?2, ?3)",
        SQL_WITH(SQL_INTEGER(INT64_MIN), SQL_TEXT(text), SQL_BLOB(bytes.data, bytes.len))));

    OWNED_STRUCT(rows) *rows = NULL;
    assert_ok(
        database_query(database, "SELECT id, text, bytes, parent FROM things", SQL_NOTHING, &rows));
    assert_ok(rows_first(rows));
    assert_true(rows_integer(rows, 0) == INT64_MIN);
    assert_slice(rows_text(rows, 1), text);
    assert_slice(rows_blob(rows, 2), bytes);
    assert_int_equal(rows_text(rows, 3).len, 0);
    assert_int_equal(rows_integer(rows, 3), 0);
}

static void an_empty_text_is_not_null_unless_asked(void **state)
{
    struct database *database = database_of(state);
    assert_ok(database_run(database, "INSERT INTO things (id, text, bytes) VALUES (1, ?1, ?2)",
                           SQL_WITH(SQL_TEXT(SLICE_NONE), SQL_TEXT_OR_NULL(SLICE_NONE))));
    uint64_t changed;
    assert_ok(database_run_counted(database,
                                   "UPDATE things SET id = 2 WHERE text = '' AND bytes IS NULL",
                                   SQL_NOTHING, &changed));
    assert_int_equal(changed, 1);
}

static void constraints_have_their_errors(void **state)
{
    struct database *database = database_of(state);
    assert_ok(insert(database, 1));
    assert_int_equal(insert(database, 1), ERR_EXISTS);
    assert_true(database_message(database).len > 0);
    assert_int_equal(
        database_run(database, "INSERT INTO things (id, parent) VALUES (2, 7)", SQL_NOTHING),
        ERR_NOT_FOUND);
    assert_int_equal(database_run_found(database, "DELETE FROM things WHERE id = 9", SQL_NOTHING),
                     ERR_NOT_FOUND);
}

static void wrong_sql_and_wrong_parameters_are_errors(void **state)
{
    struct database *database = database_of(state);
    struct rows *rows = NULL;
    assert_int_equal(database_query(database, "SELEC 1", SQL_NOTHING, &rows), ERR_DATABASE);
    assert_int_equal(database_query(database, "SELECT ?1", SQL_NOTHING, &rows), ERR_DATABASE);
    assert_int_equal(database_run(database, "SELECT 1", SQL_NOTHING), ERR_DATABASE);
    assert_null(rows);
}

static void a_statement_runs_again_while_its_rows_are_open(void **state)
{
    struct database *database = database_of(state);
    assert_ok(insert(database, 1));
    assert_ok(insert(database, 2));

    static const char sql[] = "SELECT id FROM things ORDER BY id";
    OWNED_STRUCT(rows) *outer = NULL;
    OWNED_STRUCT(rows) *inner = NULL;
    assert_ok(database_query(database, sql, SQL_NOTHING, &outer));
    assert_ok(rows_first(outer));
    assert_ok(database_query(database, sql, SQL_NOTHING, &inner));
    assert_ok(rows_first(inner));
    assert_ok(rows_first(inner));
    assert_int_equal(rows_integer(outer, 0), 1);
    assert_int_equal(rows_integer(inner, 0), 2);
    assert_int_equal(rows_first(inner), ERR_NOT_FOUND);
}

static void a_transaction_that_fails_is_undone(void **state)
{
    struct database *database = database_of(state);
    assert_ok(database_begin(database));
    assert_ok(insert(database, 1));
    assert_int_equal(database_end(database, ERR_CONFLICT), ERR_CONFLICT);
    assert_int_equal(count(database), 0);

    assert_ok(database_begin(database));
    assert_ok(insert(database, 1));
    assert_ok(database_end(database, OK));
    assert_int_equal(count(database), 1);
}

static void an_inner_transaction_is_undone_alone(void **state)
{
    struct database *database = database_of(state);
    assert_ok(database_begin(database));
    assert_ok(insert(database, 1));
    assert_ok(database_begin(database));
    assert_ok(insert(database, 2));
    assert_ok(database_begin(database));
    assert_ok(insert(database, 3));
    assert_ok(database_end(database, OK));
    assert_int_equal(database_end(database, ERR_EXISTS), ERR_EXISTS);
    assert_ok(insert(database, 4));
    assert_ok(database_end(database, OK));
    assert_int_equal(count(database), 2);
}

static void a_failure_in_the_middle_undoes_all_of_the_middle(void **state)
{
    struct database *database = database_of(state);
    assert_ok(database_begin(database));
    assert_ok(insert(database, 1));
    assert_ok(database_begin(database));
    assert_ok(insert(database, 2));
    assert_ok(database_begin(database));
    assert_ok(insert(database, 3));
    assert_int_equal(database_end(database, ERR_EXISTS), ERR_EXISTS);
    assert_int_equal(database_end(database, ERR_EXISTS), ERR_EXISTS);
    assert_ok(database_end(database, OK));
    assert_int_equal(count(database), 1);
}

static void an_outer_failure_undoes_inner_success(void **state)
{
    struct database *database = database_of(state);
    assert_ok(database_begin(database));
    assert_ok(database_begin(database));
    assert_ok(insert(database, 1));
    assert_ok(database_end(database, OK));
    assert_int_equal(database_end(database, ERR_SYSTEM), ERR_SYSTEM);
    assert_int_equal(count(database), 0);
}

static void nothing_runs_after_the_database_undid_a_transaction_itself(void **state)
{
    struct database *database = database_of(state);
    assert_ok(insert(database, 1));
    assert_ok(database_begin(database));
    assert_ok(insert(database, 2));
    assert_int_equal(
        database_run(database, "INSERT OR ROLLBACK INTO things (id) VALUES (1)", SQL_NOTHING),
        ERR_EXISTS);
    assert_int_equal(insert(database, 3), ERR_DATABASE);
    assert_int_equal(database_end(database, OK), ERR_DATABASE);
    assert_int_equal(count(database), 1);
    assert_ok(insert(database, 4));
}

static int64_t pragma(struct database *database, const char *sql)
{
    OWNED_STRUCT(rows) *rows = NULL;
    assert_ok(database_query(database, sql, SQL_NOTHING, &rows));
    assert_ok(rows_first(rows));
    return rows_integer(rows, 0);
}

static void sqlite_is_set_for_durability_and_erasure(void **state)
{
    struct database *database = database_of(state);
    assert_int_equal(pragma(database, "PRAGMA synchronous"), 2);
    assert_int_equal(pragma(database, "PRAGMA foreign_keys"), 1);
    assert_int_equal(pragma(database, "PRAGMA secure_delete"), 1);
    assert_int_equal(pragma(database, "PRAGMA trusted_schema"), 0);

    OWNED_STRUCT(rows) *rows = NULL;
    assert_ok(database_query(database, "PRAGMA journal_mode", SQL_NOTHING, &rows));
    assert_ok(rows_first(rows));
    assert_slice(rows_text(rows, 0), SLICE("wal"));
}

static void assert_mode(const struct fixture *fixture, const char *name, mode_t mode)
{
    char path[512];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, mode);
}

static void only_the_owner_reads_the_files(void **state)
{
    struct place *place = *state;
    assert_ok(insert(place->database, 1));
    assert_mode(&place->fixture, "db", 0700);
    assert_mode(&place->fixture, "db/sealgate.db", 0600);
    assert_mode(&place->fixture, "db/sealgate.db-wal", 0600);
    assert_mode(&place->fixture, "db/sealgate.db-shm", 0600);
}

static void a_file_that_others_may_read_is_closed_to_them(void **state)
{
    struct place *place = *state;
    char path[512];
    snprintf(path, sizeof path, "%s/db/sealgate.db", place->fixture.folder);
    assert_int_equal(chmod(path, 0644), 0);
    database_close(place->database);
    assert_ok(database_open(SLICE("sqlite"), TEXT(place->fixture.folder), NULL, &place->database));
    assert_mode(&place->fixture, "db/sealgate.db", 0600);
}

static void a_database_that_cannot_be_opened_says_why(void **state)
{
    (void)state;
    struct database *database = NULL;
    struct buffer why;
    buffer_init(&why, 4096);
    assert_int_equal(database_open(SLICE("sqlite"), SLICE("/nonexistent/folder"), &why, &database),
                     ERR_SYSTEM);
    assert_true(buffer_len(&why) > 0);
    assert_int_equal(database_open(SLICE("postgresql://host/db"), SLICE_NONE, &why, &database),
                     ERR_UNSUPPORTED);
    assert_null(database);
    buffer_clear(&why);
}

static void a_symbolic_link_is_not_followed(void **state)
{
    struct place *place = *state;
    char path[512], other[512];
    snprintf(path, sizeof path, "%s/db/sealgate.db", place->fixture.folder);
    snprintf(other, sizeof other, "%s/elsewhere", place->fixture.folder);
    database_close(place->database);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink(other, path), 0);
    place->database = NULL;
    assert_int_equal(
        database_open(SLICE("sqlite"), TEXT(place->fixture.folder), NULL, &place->database),
        ERR_SYSTEM);
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    struct place *place = *state;
    char path[512];
    snprintf(path, sizeof path, "%s/db/sealgate.db", place->fixture.folder);
    database_close(place->database);
    place->database = NULL;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("this is no database ", file);
    fclose(file);

    struct buffer why;
    buffer_init(&why, 4096);
    assert_int_equal(
        database_open(SLICE("sqlite"), TEXT(place->fixture.folder), &why, &place->database),
        ERR_DATABASE);
    assert_true(buffer_len(&why) > 0);
    buffer_clear(&why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_place, close_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_read_back_as_they_were),
        TEST(an_empty_text_is_not_null_unless_asked),
        TEST(constraints_have_their_errors),
        TEST(wrong_sql_and_wrong_parameters_are_errors),
        TEST(a_statement_runs_again_while_its_rows_are_open),
        TEST(a_transaction_that_fails_is_undone),
        TEST(an_inner_transaction_is_undone_alone),
        TEST(a_failure_in_the_middle_undoes_all_of_the_middle),
        TEST(an_outer_failure_undoes_inner_success),
        TEST(nothing_runs_after_the_database_undid_a_transaction_itself),
        TEST(sqlite_is_set_for_durability_and_erasure),
        TEST(only_the_owner_reads_the_files),
        TEST(a_file_that_others_may_read_is_closed_to_them),
        TEST(a_symbolic_link_is_not_followed),
        TEST(a_file_that_is_no_database_is_refused),
        cmocka_unit_test(a_database_that_cannot_be_opened_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
