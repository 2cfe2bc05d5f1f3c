package org.attune.jinja;

/// Means "no such item or argument", which differs from one that is None.
enum Absent {
    ABSENT
}
