package org.attune.jinja;

/// An object of the interpreter with its own attributes.
interface HasAttributes {
    /// The attribute's value, or [Absent#ABSENT].
    Object attribute(String name);
}
