package org.attune.jinja;

/// An object of the interpreter with attributes of its own.
interface HasAttributes {
    /// The attribute's value, or [Absent#ABSENT].
    Object attribute(String name);
}
