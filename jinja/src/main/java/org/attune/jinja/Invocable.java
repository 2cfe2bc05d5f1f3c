package org.attune.jinja;

/// Something a template can call.
interface Invocable {
    Object call(Arguments arguments);

    /// The name that messages show.
    String name();
}
