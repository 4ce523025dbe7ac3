// SQLite's settings of a connection, whose variadic function Swift cannot call.
#ifndef ELBOW_CSQLITE_H
#define ELBOW_CSQLITE_H

#include <sqlite3.h>

// A file may be anybody's: what its schema brings uses no function that could do harm, and nobody
// writes its schema or its pages behind SQLite's back. SQLite before 3.41 takes its own functions of
// JSON for harmful, which our generated columns use: there a schema is trusted with what functions
// there are, of which none does anything but compute.
static inline void elbow_distrust_schema(sqlite3 *connection) {
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
  sqlite3_db_config(
    connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, sqlite3_libversion_number() < 3041000, (int *)0);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0, (int *)0);
}

#endif
