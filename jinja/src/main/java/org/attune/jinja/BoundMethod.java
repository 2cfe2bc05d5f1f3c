package org.attune.jinja;

import java.util.Set;

/// A method with the object it belongs to.
record BoundMethod(Object owner, Builtin method) implements Invocable {
    /// Methods that don't look at the whole text.
    private static final Set<String> QUICK = Set.of("startswith", "endswith");

    @Override
    public String name() {
        return method.name();
    }

    /// Compares method and owner by identity; looking at what is in the object could take forever.
    @Override
    public boolean equals(Object other) {
        return other instanceof BoundMethod bound && bound.owner == owner && bound.method == method;
    }

    @Override
    public int hashCode() {
        return 31 * System.identityHashCode(owner) + method.hashCode();
    }

    @Override
    public Object call(Arguments arguments) {
        if (!QUICK.contains(method.name())) {
            Budget.text(owner);
        }
        Object result = Budget.text(method.call(arguments.after(owner)));
        return owner instanceof Markup && result instanceof String text ? new Markup(text) : result;
    }
}
