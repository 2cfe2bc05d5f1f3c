package org.attune.jinja;

/// Something a template can call.
interface Invocable {
    Object call(Arguments arguments);

    /// Its name in messages.
    String name();
}
