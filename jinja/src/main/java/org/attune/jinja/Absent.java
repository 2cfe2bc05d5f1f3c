package org.attune.jinja;

/// Stands for "no such item or argument", which differs from one that is None.
enum Absent {
    ABSENT
}
