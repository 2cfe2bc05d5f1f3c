package org.attune.text.jinja;

/// An object of the interpreter with attributes of its own.
interface HasAttributes {
    /// The attribute's value, or [Absent#ABSENT].
    Object attribute(String name);
}
